"""What can be wrong with a series of bars, one kind a file, each a function of whole columns."""
