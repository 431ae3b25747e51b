"""A challenger beside the champion: held against what was published on the same rows, and what is decided by it; pure."""
