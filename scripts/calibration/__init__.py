"""Fits the synthetic market to recorded bars and shows how well: see `scripts/calibrate.py`."""
