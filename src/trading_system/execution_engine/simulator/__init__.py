"""What a market that is known only by its bars would do with an order, and what it would charge."""
