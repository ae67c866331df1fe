"""Files of bars in the forms in which they are passed around, read so that the worst row spoils no other."""
