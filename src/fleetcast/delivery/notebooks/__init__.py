"""The way of a notebook: from an idea on local data to code that production trains with, through a pull request."""
