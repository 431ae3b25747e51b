"""The demo retailer's own code."""
