"""What happened, written down before anyone acts on it: chained, durable, the source of all state."""
