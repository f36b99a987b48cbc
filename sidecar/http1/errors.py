"""What can go wrong between sending a request and having its whole response.

    ExchangeFailed
    ├── Unreachable   not one byte of the request was sent: safe to try again, elsewhere or later
    ├── Timeout       no complete response in time, or no free connection
    ├── Truncated     the connection ended before the response was complete
    ├── Malformed     what arrived is not an acceptable response
    ├── TooLarge      the response's body is over the limit
    └── Crowded       there is no room for it beside all other messages in memory

After all but `Unreachable` the server may have acted on the request.
"""

from __future__ import annotations


class ExchangeFailed(Exception):
    """The root. The text is for operators: it never quotes a message's content."""


class Unreachable(ExchangeFailed):
    """No connection, or it was gone before the first byte."""


class Timeout(ExchangeFailed):
    """The time given to `Pool.send` is over."""


class Truncated(ExchangeFailed):
    """The server went away in the middle of, or instead of, its answer."""


class Malformed(ExchangeFailed):
    """Not HTTP/1.1 as `rules` accepts it."""


class TooLarge(ExchangeFailed):
    """Over `response_limit_bytes`."""


class Crowded(ExchangeFailed):
    """Over the budget of all messages together."""
