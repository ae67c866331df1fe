"""The venue's own protocol on loopback, close enough for other people's clients."""
