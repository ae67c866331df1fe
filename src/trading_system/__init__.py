"""An AI trading system for crypto: collect, forecast, decide, check, send, reconcile."""

__version__ = "0.1.0"
