"""What the headers say of the body, before a byte of it is read.

A body of a kind that we cannot read is refused, never taken for "no body": a rule that sees nothing would
pass everything (opa#3566).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.model.refusal import refused

if TYPE_CHECKING:
    from sidecar.model.message import Request, Response
    from sidecar.model.refusal import Refused

JSON, OCTETS = b"application/json", b"application/octet-stream"
UNSAID = b""
"""No Content-Type."""

HEAD_LENGTH = b"inference-header-content-length"
"""The field that makes a body one of JSON and binary tensors (V2's binary data extension)."""

_TYPE = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")
_UTF_8 = (b"charset=utf-8", b'charset="utf-8"')


def unsupported(message: str) -> Refused:
    """A refusal for a body that is of no kind we read."""
    return refused("media_type_unsupported", message)


def media_type(request: Request, *, binary: bool = False) -> bytes:
    """The body's media type in lower case, without parameters; `UNSAID` where the request names none.

    Refuses JSON in another charset than UTF-8, a type that is said twice or is none, and, unless `binary` tensors are
    taken, `HEAD_LENGTH`.
    """
    said: bytes | None = None
    for name, value in request.headers:
        if name == b"content-type":
            if said is not None:
                raise unsupported("Content-Type is sent twice")
            said = value
        elif name == HEAD_LENGTH and not binary:
            raise unsupported("binary tensors are not taken; send the tensors as JSON")
    if said is None:
        return UNSAID
    if said == JSON:
        return JSON
    return _checked(said)


def require_json(request: Request, *others: bytes) -> None:
    """Refuses every body but JSON that says so, or says one of `others`."""
    said = media_type(request)
    if said != JSON and said not in others:
        raise unsupported("Content-Type must be application/json")


def identity_coded(response: Response) -> bool:
    """Whether an answer's body is neither compressed nor of V2's mixed JSON-and-binary form."""
    for name, value in response.headers:
        if name == b"content-encoding" and value.strip().lower() != b"identity":
            return False
        if name == HEAD_LENGTH:
            return False
    return True


def _checked(value: bytes) -> bytes:
    essence, *parameters = value.lower().split(b";")
    essence = essence.strip()
    if _TYPE.fullmatch(essence) is None:
        raise unsupported("Content-Type is not a media type")
    if essence == JSON and any(parameter.strip() not in (*_UTF_8, b"") for parameter in parameters):
        raise unsupported("JSON is UTF-8: application/json takes no parameter but charset=utf-8")
    return essence
