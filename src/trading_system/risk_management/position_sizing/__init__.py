"""How much a belief is worth, in lots."""
