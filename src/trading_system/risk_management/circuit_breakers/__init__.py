"""Brakes: they stop new risk or protect what is held, and never keep us from reducing it."""
