"""What an acceptable message is, beyond what llhttp's strict grammar refuses by itself.

llhttp already refuses: bare LF and CR, NUL and other controls, obs-fold, space before the colon, names that
are not tokens, Content-Length that is repeated, signed, listed, empty or beside Transfer-Encoding, chunk
sizes that are not plain hexadecimal. `tests/unit/proxy/test_server.py` holds it to that. The rest is here.
It forgives empty lines before a request line, repeated spaces in it, and the word RTSP for HTTP; we write each
request anew, so nobody behind us sees them.

Faults are fixed texts: nothing of a refused message is echoed or recorded by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sidecar.model.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.model.message import Headers

    Fields = Sequence[tuple[bytes, bytes]]

VERSIONS = frozenset({"1.1", "1.0"})
METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
"""RFC 9110 9.3 and RFC 5789, less CONNECT and TRACE, which no proxy of ours has a use for."""
ALLOW = tuple(sorted(method.decode("ascii") for method in METHODS))
TARGET_LIMIT_BYTES = 8 * 1024
LENGTH_LIMIT_DIGITS = 20
"""Of a `Content-Length`, leading zeros included: what 64 bits take. Python counts no further than 4,300."""
FIELD_LIMIT_BYTES = 8 * 1024
"""One field's name and value; consent tokens are about 1 KiB, 4 KiB with a certificate chain."""

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"expect",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""About one connection, never passed on: RFC 9110 7.6.1 and 10.1.1, RFC 7540 3.2.1, older peers' words."""

CONNECTION_FIELDS = frozenset({b"content-length", b"transfer-encoding", b"connection"})
"""Who sends a message on writes these anew."""

HEADER_SECTION_LIMIT_BYTES = 16 * 1024
HEADER_COUNT_LIMIT = 100

_TARGET_BYTES = bytes(byte for byte in range(0x21, 0x7F) if byte != ord("#"))
_HOST_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:[]"
_SINGLE = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect", b"content-type"})
"""RFC 9110 5.3: fields that are not lists must not be sent twice; of two, peers disagree which one counts."""
_JUDGED = _SINGLE | {b"upgrade"}


def malformed(message: str) -> Reason:
    """`http_malformed` with a fixed text."""
    return Reason("http_malformed", message)


def too_large(message: str) -> Reason:
    """`headers_too_large` with a fixed text."""
    return Reason("headers_too_large", message)


TARGET_TOO_LONG = too_large(f"the request target is over {TARGET_LIMIT_BYTES} bytes")
_VERSION = malformed("HTTP/1.1 or HTTP/1.0 only")
_METHOD = Reason("method_not_allowed", "the method is none of " + ", ".join(ALLOW))
_TARGET = malformed("the request target is not in origin-form: a path of printable ASCII without fragment")
_OBS_TEXT = malformed("a byte above 0x7E in a field's value")
_TWICE = malformed("a field that may be sent once is sent twice")
_NO_HOST = malformed("no Host field, or an invalid one")
_LENGTH = malformed(f"a Content-Length of more than {LENGTH_LIMIT_DIGITS} digits")
_CODING = malformed("a Transfer-Encoding other than chunked, or in HTTP/1.0")
_EXPECT = malformed("an expectation other than 100-continue")
_UPGRADE = malformed("WebSocket is not spoken here")


class Framing(NamedTuple):
    """How an accepted request goes on. `length_bytes` is None for a chunked body and 0 for none."""

    length_bytes: int | None
    expects_continue: bool


def judge_request(method: bytes, target: bytes, version: str, fields: Fields) -> Framing | Reason:
    """What follows this head, or why it is refused.

    `fields` have names in lower case and values without outer space.
    """
    if version not in VERSIONS:
        return _VERSION
    if method not in METHODS:
        return _METHOD
    fault = target_fault(target)
    if fault is not None:
        return fault
    seen: dict[bytes, bytes] = {}
    for name, value in fields:
        # RFC 9110 5.5: obs-text is opaque; peers decode it as Latin-1, UTF-8, or not at all.
        if not value.isascii():
            return _OBS_TEXT
        if name in _JUDGED:
            if name in seen and name in _SINGLE:
                return _TWICE
            seen[name] = value
    return _framing_fault(version, seen) or _framing(version, seen)


def target_fault(target: bytes) -> Reason | None:
    """RFC 9112 3.2.1. Absolute-form may name another authority than Host, so it is refused altogether."""
    if len(target) > TARGET_LIMIT_BYTES:
        return TARGET_TOO_LONG
    if not target.startswith(b"/") or target.translate(None, _TARGET_BYTES):
        return _TARGET
    return None


def _framing_fault(version: str, seen: dict[bytes, bytes]) -> Reason | None:
    host = seen.get(b"host")
    if not host or host.translate(None, _HOST_BYTES):  # RFC 9112 3.2: exactly one, and valid
        return _NO_HOST
    if len(seen.get(b"content-length", b"")) > LENGTH_LIMIT_DIGITS:
        return _LENGTH
    coding = seen.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or version == "1.0"):  # RFC 9112 6.1
        return _CODING
    expect = seen.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue":
        return _EXPECT
    if b"websocket" in seen.get(b"upgrade", b"").lower():
        return _UPGRADE
    return None


def _framing(version: str, seen: dict[bytes, bytes]) -> Framing:
    # RFC 9110 10.1.1: an expectation in HTTP/1.0 is ignored.
    expects_continue = b"expect" in seen and version == "1.1"
    if b"transfer-encoding" in seen:
        return Framing(None, expects_continue)
    return Framing(int(seen.get(b"content-length", b"0")), expects_continue)


def end_to_end(fields: Fields) -> Headers:
    """The fields that are not about the connection, and not named by `Connection` either (RFC 9110 7.6.1).

    To be applied before a message is judged: else a client could have a field judged and not forwarded.
    """
    dropped = HOP_BY_HOP
    for name, value in fields:
        if name == b"connection" and value not in (b"keep-alive", b"close"):
            dropped |= {token.strip(b" \t") for token in value.lower().split(b",")}
    return tuple([field for field in fields if field[0] not in dropped])


def response_fault(version: str, status: int, fields: Fields) -> str | None:
    """Why a model server's or an engine's head is refused, or None.

    Obs-text passes: it is the server's own word.
    3xx is well-formed; whether it is wanted is the caller's to say.
    """
    if version not in VERSIONS:
        return "the response is not in HTTP/1.1 or HTTP/1.0"
    if not 200 <= status <= 599:
        return "the response's status is none that ends an exchange"
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if codings and [coding.lower() for coding in codings] != [b"chunked"]:
        return "the response's Transfer-Encoding is not chunked"
    return None
