"""The ways to a venue: requests and streams, with every failure named for what to do next."""
