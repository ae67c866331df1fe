"""What to do with what went wrong: set it aside with its reason."""
