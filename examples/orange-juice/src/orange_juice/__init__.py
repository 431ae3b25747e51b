"""The orange-juice workspace: what is special about these data."""
