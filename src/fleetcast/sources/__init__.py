"""The edge to the outside: raw files, read as their sources declare them."""
