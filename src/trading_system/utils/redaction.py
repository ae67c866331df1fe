"""What must not be read is replaced before it is shown or written."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

MASK: Final = "********"
SECRET_KEYS: Final = frozenset(
    {
        "api_key",
        "api_secret",
        "authorization",
        "passphrase",
        "password",
        "secret",
        "signature",
        "token",
        "x-mbx-apikey",
    }
)
"""Names, in lower case, whose values are never written."""
SIGNATURE: Final = re.compile(r"(?i)\b(signature|api_?key|token)=[^&\s\"']+")
"""A secret inside the address of a request."""


def redacted(value: object, secrets: Sequence[str] = (), *, key: object = "") -> object:
    """Return `value` as it may be written: numbers as they are, all else as text without secrets.

    Args:
        value: Anything; mappings and sequences are walked.
        secrets: Values in clear to hide inside any text.
        key: The name under which `value` stands.

    >>> redacted({"url": "/order?symbol=A&signature=abc", "api_key": "k", "count": 3})
    {'url': '/order?symbol=A&signature=********', 'api_key': '********', 'count': 3}
    """
    if value is None or isinstance(value, bool):
        return value
    if str(key).lower() in SECRET_KEYS:
        return MASK
    if isinstance(value, Mapping):
        return {_clean(str(name), secrets): redacted(item, secrets, key=name) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item, secrets) for item in value]
    clean = _clean(str(value), secrets)
    return value if isinstance(value, int | float) and clean == str(value) else clean


def _clean(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return SIGNATURE.sub(rf"\1={MASK}", text)
