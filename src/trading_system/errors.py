"""Every error of the house, named for what the caller does next."""


class TradingError(Exception):
    """Anything that this package raises on purpose; its message says what, where and what to do."""


class ConfigurationError(TradingError):
    """The system was set up wrongly: refuse to start."""


class DataError(TradingError):
    """A record cannot be trusted: quarantine it and keep trading."""


class StaleData(DataError):
    """The feed is old: no new risk until it is fresh."""


class VenueError(TradingError):
    """The venue did not do what was asked."""


class VenueUnavailable(VenueError):
    """Nothing was done: retry with backoff."""


class RateLimited(VenueError):
    """Nothing was done: wait `retry_after_s` seconds, then retry."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OrderRejected(VenueError):
    """The venue said no: final. `code` is the venue's own."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknown(VenueError):
    """It may have happened: ask by client order id, never resend."""


class AuthenticationFailed(VenueError):
    """The venue does not accept our key or signature: halt and alert."""


class InvariantBroken(TradingError):
    """Our own bug: halt, keep the journal, alert."""


class IllegalTransition(InvariantBroken):
    """An order heard of something that cannot happen to it."""


class Overfill(InvariantBroken):
    """An order filled beyond its quantity."""


class JournalBroken(InvariantBroken):
    """The journal cannot be written, or does not verify: nothing may be sent any more."""
