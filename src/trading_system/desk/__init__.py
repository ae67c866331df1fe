"""The engine: what it hears in, what it asks for out; no clock, no chance, no I/O of its own."""
