"""Which errand goes first, and the one who carries it to the venue."""
