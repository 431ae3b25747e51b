"""One conditioner per source."""
