"""What is measured of an environment, read from its stores: a reader that was started again tells the same."""
