"""Content codings (RFC 9110 8.4): a body is judged as decoded, under a cap, and forwarded as it came.

One coding, one stream, nothing behind it: of two gzip members some servers read one and some both, and some take
raw deflate (RFC 1951) where RFC 9110 means zlib (RFC 1950). What two could read in two ways is refused.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from sidecar.model.refusal import refused
from sidecar.protocols.bodies import body_malformed
from sidecar.protocols.media import unsupported
from sidecar.protocols.strict_json import Malformed

if TYPE_CHECKING:
    from collections.abc import Collection

    from sidecar.model.message import Body, Headers, Request, Response
    from sidecar.model.refusal import Refused

GZIP, DEFLATE = b"gzip", b"deflate"
_WINDOWS = {GZIP: 16 + zlib.MAX_WBITS, DEFLATE: zlib.MAX_WBITS}
_NAME = b"content-encoding"


class TooLarge(Malformed):
    """The decoded body is over the limit."""


def readable_request(request: Request, codings: Collection[bytes], limit_bytes: int) -> Request:
    """The request as the model server will read it: its body decoded.

    `codings` are those that the server decodes itself: another server would hand the coded bytes to the model.
    Refuses with `media_type_unsupported`, `body_malformed` or `body_too_large`.
    """
    coding = _request_coding(request.headers, codings)
    if coding is None:
        return request
    try:
        body = decoded(request.body, coding, limit_bytes)
    except TooLarge as error:
        raise refused("body_too_large", f"the body: {error}") from None
    except Malformed as error:
        raise body_malformed(f"the body: {error}") from None
    return request._replace(headers=_without_coding(request.headers), body=body)


def readable_response(response: Response, limit_bytes: int) -> Response:
    """An answer with its body decoded; refuses with `prediction_unreadable`."""
    said = response.header_values(_NAME)
    if not said or said == [b"identity"]:
        return response
    coding = said[0].strip().lower() if len(said) == 1 else b""
    if coding not in _WINDOWS:
        raise _unreadable("its content coding is not one that is read")
    try:
        body = decoded(response.body, coding, limit_bytes)
    except Malformed as error:
        raise _unreadable(str(error)) from None
    return response._replace(headers=_without_coding(response.headers), body=body)


def decoded(body: Body, coding: bytes, limit_bytes: int) -> bytes:
    """What a body of one coding holds; raises `Malformed`, and `TooLarge` without decoding further."""
    decoder = zlib.decompressobj(_WINDOWS[coding])
    try:
        content = decoder.decompress(body, limit_bytes + 1)
    except zlib.error:
        raise Malformed(f"it is no {coding.decode()} data") from None
    if len(content) > limit_bytes:
        raise TooLarge("decoded, it is over the limit")
    if not decoder.eof:
        raise Malformed(f"its {coding.decode()} data ends early")
    if decoder.unused_data:
        raise Malformed(f"something follows its {coding.decode()} data")
    return content


def acceptable(headers: Headers) -> bytes:
    """What is asked of the model server for a client's `Accept-Encoding`: of its codings those that we read."""
    wanted: list[bytes] = []
    for name, value in headers:
        if name != b"accept-encoding":
            continue
        for item in value.lower().split(b","):
            coding, _, weight = item.partition(b";")
            if coding.strip() in _WINDOWS and not _is_zero(weight):
                wanted.append(coding.strip())
    return b", ".join(dict.fromkeys(wanted)) or b"identity"


def _is_zero(weight: bytes) -> bool:
    """RFC 9110 12.4.2: `q=0` means not acceptable."""
    return weight.replace(b" ", b"").startswith(b"q=0") and not weight.strip(b" \t.0q=")


def _request_coding(headers: Headers, codings: Collection[bytes]) -> bytes | None:
    said = [value for name, value in headers if name == _NAME]
    if not said:
        return None
    coding = said[0]  # as it is: MLServer takes no notice of GZIP, and the model would be handed what was not judged
    if coding == b"identity" and len(said) == 1:
        return None
    if len(said) > 1 or coding not in codings:
        known = ", ".join(sorted(name.decode() for name in codings)) or "no coding but identity"
        raise unsupported(f"Content-Encoding: this model server decodes {known}, one at a time")
    return coding


def _unreadable(why: str) -> Refused:
    return refused("prediction_unreadable", f"the model's answer cannot be read: {why}")


def _without_coding(headers: Headers) -> Headers:
    return tuple([field for field in headers if field[0] != _NAME])
