"""Bars checked, turned into features from the past only, scaled, and cut into windows."""
