"""How a ticket travels to a venue, and what a venue would do with it."""
