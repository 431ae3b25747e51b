"""Delivery: the verbs by which code and data travel from a branch to production, and back."""
