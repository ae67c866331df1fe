"""Replay history through the very decision that trades, at the speed of compiled code."""
