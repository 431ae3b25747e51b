"""The outermost layer of all that is served: whoever is let in passes here, and nothing else passes."""
