"""What can go wrong between sending a request and having its whole response.

    ExchangeFailed
    ├── Unreachable   not one byte of the request was sent: safe to try again, elsewhere or later
    ├── Timeout       no complete response in time
    ├── Truncated     the connection ended before the response was complete
    ├── Malformed     what arrived is not an acceptable response
    ├── TooLarge      the response's body is over the limit
    └── Crowded       no free connection in time, or no room in memory beside all other messages

After all but `Unreachable`, and `Crowded` for want of a connection, the server may have acted on the request.
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
    """Ours: too much is under way already. The server may be well."""
