"""What code validation looks at: each check is a function that returns a `Check`, measured where they are run."""
