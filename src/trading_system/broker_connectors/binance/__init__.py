"""Binance spot behind the Venue port."""
