"""Training: rolling-origin rounds, fits, and the verdict on each challenger."""
