"""Rolling-origin rounds: whose they are, and the walk through them in which each fit is tuned by what was known by then."""
