"""A local exchange: price-time priority, a double-entry ledger, and the weather of a real venue."""
