"""How the venue says no: its own codes and texts, word for word."""

from enum import Enum
from typing import Final


class Reason(Enum):
    """Code, HTTP status and text of each refusal; `{}` is filled in.

    Source: Binance Spot, "Error codes"; section "Messages for -1010, -2010 and -2011".
    """

    UNSUPPORTED = (-1020, 400, "This operation is not supported.")
    NO_SUCH_PATH = (-1020, 404, "This operation is not supported.")
    TOO_MANY_REQUESTS = (
        -1003,
        429,
        "Too much request weight used; current limit is {} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
    )
    BANNED = (
        -1003,
        418,
        "Way too much request weight used; IP banned until {}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
    )
    SERVER_BUSY = (
        -1008,
        503,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
    )
    OUTSIDE_WINDOW = (-1021, 400, "Timestamp for this request is outside of the recvWindow.")
    AHEAD_OF_TIME = (-1021, 400, "Timestamp for this request was 1000ms ahead of the server's time.")
    BAD_SIGNATURE = (-1022, 400, "Signature for this request is not valid.")
    BAD_WINDOW = (-1131, 400, "recvWindow must be less than 60000.")
    ILLEGAL_CHARACTERS = (-1100, 400, "Illegal characters found in parameter '{}'; legal range is '{}'.")
    DUPLICATE_VALUES = (-1101, 400, "Duplicate values for a parameter detected.")
    MISSING = (-1102, 400, "Mandatory parameter '{}' was not sent, was empty/null, or malformed.")
    MISSING_BOTH = (-1102, 400, "Param '{}' or '{}' must be sent, but both were empty/null!")
    NOT_REQUIRED = (-1106, 400, "Parameter '{}' sent when not required.")
    OVERFLOWED = (-1108, 400, "Parameter '{}' overflowed.")
    TOO_PRECISE = (-1111, 400, "Parameter '{}' has too much precision.")
    BAD_TIME_IN_FORCE = (-1115, 400, "Invalid timeInForce.")
    BAD_TYPE = (-1116, 400, "Invalid orderType.")
    BAD_SIDE = (-1117, 400, "Invalid side.")
    BAD_INTERVAL = (-1120, 400, "Invalid interval.")
    BAD_SYMBOL = (-1121, 400, "Invalid symbol.")
    MORE_THAN_A_DAY = (-1127, 400, "More than 24 hours between startTime and endTime.")
    BAD_COMBINATION = (-1128, 400, "Combination of optional parameters invalid.")
    BAD_VALUE = (-1130, 400, "Data sent for parameter '{}' is not valid.")
    BAD_RESPONSE_TYPE = (-1130, 400, "Data sent for parameter 'newOrderRespType' is not valid.")
    BAD_STP = (-1013, 400, "This symbol does not allow the specified self-trade prevention mode.")
    BAD_JSON = (-1135, 400, "Invalid JSON Request")
    FILTER = (-1013, 400, "Filter failure: {}")
    NO_BALANCE = (-2010, 400, "Account has insufficient balance for requested action.")
    DUPLICATE_ORDER = (-2010, 400, "Duplicate order sent.")
    WOULD_TRIGGER = (-2010, 400, "Stop price would trigger immediately.")
    WOULD_TAKE = (-2010, 400, "Order would immediately match and take.")
    NO_LIQUIDITY = (-2010, 400, "Order book liquidity is less than symbol minimum quantity.")
    UNKNOWN_ORDER = (-2011, 400, "Unknown order sent.")
    NO_SUCH_ORDER = (-2013, 400, "Order does not exist.")
    BAD_KEY_FORMAT = (-2014, 401, "API-key format invalid.")
    BAD_KEY = (-2015, 401, "Invalid API-key, IP, or permissions for action.")
    ALREADY_SUBSCRIBED = (-2035, 400, "User Data Stream subscription already active.")
    NOT_SUBSCRIBED = (-2036, 400, "User Data Stream subscription not active.")


class Refusal(Exception):
    """The venue's no. It never leaves the testnet as an exception: the protocol turns it into an answer."""

    def __init__(self, reason: Reason, *details: str) -> None:
        self.reason: Final = reason
        code, status, text = reason.value
        self.code: Final[int] = code
        self.status: Final[int] = status
        self.text: Final[str] = text.format(*details)
        super().__init__(f"{self.code}: {self.text}")
