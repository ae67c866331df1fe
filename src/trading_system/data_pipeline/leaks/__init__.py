"""Leak tests: change the future, and see that nothing that was known before it changes."""
