"""The faces: thin ways in. They parse, make one call, and show; they do not know each other."""
