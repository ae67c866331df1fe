"""Any other venue, as ccxt speaks to it."""
