"""Models and releases of one environment: what was trained, what is live, what was live before."""
