"""Form bodies: `multipart/form-data` (RFC 7578, RFC 2046) and `application/x-www-form-urlencoded`.

Form parsers forgive a lot, each something else: line ends, folded headers, escapes in names, text before the first
part, `;` between pairs. So this one forgives nothing. A body is taken only where its writing leaves nothing to
forgive, as curl, browsers and HTTP libraries write it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from sidecar.protocols.bodies import body_malformed
from sidecar.protocols.media import unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.model.message import Body

MAX_FIELDS = 256
HEAD_LIMIT_BYTES = 1_024
"""Of one part's headers."""
TEXT_LIMIT_BYTES = 8_192
"""What is longer is no value that is judged: it stays opaque."""
URLENCODED_LIMIT_BYTES = 1_048_576
"""8 MiB of `%41` take 2 s, for half of which nobody else runs; files go by multipart/form-data."""

# RFC 2046 5.1.1: 1 to 70 characters; those of an RFC 9110 token alone, which need no quotes. The type in lower case:
# Netty takes `Multipart/Form-Data` for a body of no kind that it knows.
_MULTIPART_TYPE = re.compile(rb"multipart/form-data; *(?i:boundary)=([0-9A-Za-z'+_.-]{1,70})")
_URLENCODED_TYPE = re.compile(rb"(?i:application/x-www-form-urlencoded(?:; *charset=utf-8)?)")

_NAME = rb"[A-Za-z0-9_.-]{1,128}"
# RFC 7578 4.2. Escapes are written as `\"` or `%22`, and read as one, the other or neither: so there are none.
_FILE_NAME = rb"[ !#$&-:<-\[\]-~]{1,256}"
_DISPOSITION = re.compile(rb'form-data; *name="(%s)"(; *filename="%s")?' % (_NAME, _FILE_NAME))
_HEADER = re.compile(rb"([A-Za-z-]+): *([ -~]*[!-~])")
_TEXT_TYPE = re.compile(rb"text/plain(?:; *charset=(?:utf-8|us-ascii))?")

_PAIR = re.compile(rb"(%s)=((?:[A-Za-z0-9._~!$'()*,:@/?+-]|%%[0-9A-Fa-f]{2})*)" % _NAME)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `text` is its value; None for a file, what is no printable UTF-8, or too long.

    `content` is the value's bytes, decoded: of a part a view into the body.
    """

    name: str
    content: memoryview
    text: str | None


def fields(content_type: bytes, body: Body) -> list[Field]:
    """The fields of a form in their order; refuses with `media_type_unsupported` or `body_malformed`."""
    multipart = _MULTIPART_TYPE.fullmatch(content_type)
    if multipart is not None:
        return list(_parts(body, b"--" + multipart[1]))
    if _URLENCODED_TYPE.fullmatch(content_type) is not None:
        return [_pair(pair) for pair in _pairs(body)]
    raise unsupported(
        "of forms, multipart/form-data with a plain boundary and nothing else is taken, "
        "and application/x-www-form-urlencoded in UTF-8"
    )


def _parts(body: Body, delimiter: bytes) -> Iterator[Field]:
    """RFC 2046 5.1.1, without preamble, epilogue and padding; the delimiter stands nowhere else in the body."""
    starts = _occurrences(body, delimiter)
    if not starts or starts[0] != 0 or bytes(body[starts[-1] + len(delimiter) :]) not in (b"--", b"--\r\n"):
        raise body_malformed("the body does not begin with its boundary and end with its last one")
    if len(starts) == 1:
        raise body_malformed("the form has no field")
    view = memoryview(body)
    for start, end in pairwise(starts):
        begin = start + len(delimiter)
        head_end = body.find(b"\r\n\r\n", begin, end)
        if body[begin : begin + 2] != b"\r\n" or body[end - 2 : end] != b"\r\n" or not begin <= head_end <= end - 6:
            raise body_malformed("a boundary stands in another place than on a line of its own between two parts")
        if head_end - begin - 2 > HEAD_LIMIT_BYTES:
            raise body_malformed(f"a part's headers are over {HEAD_LIMIT_BYTES} bytes")
        yield _part(bytes(view[begin + 2 : head_end]), view[head_end + 4 : end - 2])


def _occurrences(body: Body, delimiter: bytes) -> list[int]:
    starts: list[int] = []
    at = body.find(delimiter)
    while at >= 0:
        if len(starts) > MAX_FIELDS:
            raise body_malformed(f"the form has more than {MAX_FIELDS} fields")
        starts.append(at)
        at = body.find(delimiter, at + len(delimiter))
    return starts


def _part(head: bytes, content: memoryview) -> Field:
    headers = _headers(head)
    disposition = _DISPOSITION.fullmatch(headers.get(b"content-disposition", b""))
    if disposition is None:
        raise body_malformed(
            'a part has no Content-Disposition: form-data; name="NAME", of letters, digits and _.- alone, '
            "with at most a filename in which nothing is escaped"
        )
    media_type = headers.get(b"content-type", b"text/plain").lower()
    if media_type.startswith((b"multipart/", b"message/")):
        raise body_malformed("a part holds parts of its own")
    is_text = disposition[2] is None and _TEXT_TYPE.fullmatch(media_type) is not None
    return Field(disposition[1].decode(), content, _text(content) if is_text else None)


def _headers(head: bytes) -> dict[bytes, bytes]:
    """RFC 7578 4.8: any other header is to be ignored; some are not, Content-Transfer-Encoding among them."""
    headers: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        match = _HEADER.fullmatch(line)
        name = b"" if match is None else match[1].lower()
        if match is None or name in headers or name not in (b"content-disposition", b"content-type"):
            raise body_malformed("a part has another header than one Content-Disposition and one Content-Type")
        headers[name] = match[2]
    return headers


def _text(content: memoryview) -> str | None:
    if len(content) > TEXT_LIMIT_BYTES:
        return None
    try:
        text = bytes(content).decode()
    except UnicodeDecodeError:
        return None
    # Line ends are what parsers of forms disagree about most.
    return text if text.isprintable() else None


def _pairs(body: Body) -> list[bytes]:
    if len(body) > URLENCODED_LIMIT_BYTES:
        raise body_malformed(f"the form is over {URLENCODED_LIMIT_BYTES} bytes; multipart/form-data may be longer")
    if body.count(b"&") >= MAX_FIELDS:
        raise body_malformed(f"the form has more than {MAX_FIELDS} fields")
    return bytes(body).split(b"&")


def _pair(pair: bytes) -> Field:
    """`name=value`: `+` is a space, as HTML says it, and every other character that some split at is escaped."""
    match = _PAIR.fullmatch(pair)
    if match is None:
        raise body_malformed(
            "the form is not NAME=VALUE joined by &, with names of letters, digits and _.- alone, and values "
            "percent-encoded"
        )
    content = memoryview(unquote_to_bytes(match[2].replace(b"+", b" ")))
    return Field(match[1].decode(), content, _text(content))
