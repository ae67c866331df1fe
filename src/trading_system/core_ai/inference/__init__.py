"""Forecasters at work: an exported network, and the plain rules that it must beat."""
