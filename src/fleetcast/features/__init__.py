"""Features: a partition as dense arrays, and the examples models learn from and score."""
