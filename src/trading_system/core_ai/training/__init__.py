"""From bars to an exported model; the only room that knows torch."""
