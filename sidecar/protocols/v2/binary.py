"""Triton's binary data extension of V2: a JSON head, then the bytes of its binary tensors in the head's order.

`Inference-Header-Content-Length` is the head's length; without it the body is JSON alone, at 0 it is one tensor with
no JSON at all. Servers read the header by `atoi` or `int` and cut where it says; so only what no reader could take
otherwise passes: the header once, in plain digits, within the body, and tails that fill the rest to the byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.protocols import strict_json
from sidecar.protocols.bodies import body_malformed, json_object
from sidecar.protocols.media import HEAD_LENGTH, JSON, media_type, unsupported
from sidecar.protocols.strict_json import Malformed, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.model.message import Body, Request, Response

_DIGITS = re.compile(rb"0|[1-9][0-9]{0,17}")
_EMPTY = memoryview(b"")


@dataclass(frozen=True, slots=True)
class Framing:
    """Which bodies a server reads, by media type (`UNSAID`: no Content-Type), as JSON and as head and tails.

    `raw`: it also takes one tensor without a head.
    """

    json_types: tuple[bytes, ...] = (JSON,)
    binary_types: tuple[bytes, ...] = ()
    raw: bool = False

    @property
    def takes_binary(self) -> bool:
        """Whether tensors may be binary at all."""
        return bool(self.binary_types)


JSON_ONLY = Framing()
"""A server that passes over the header, and reads whatever comes as JSON."""


def request_parts(request: Request, framing: Framing) -> tuple[dict[str, object] | None, memoryview]:
    """A request's JSON, None where it is raw, and a view of what follows.

    Refuses with `media_type_unsupported` or `body_malformed`.
    """
    binary = framing.takes_binary
    said = request.header_values(HEAD_LENGTH) if binary else []  # else `media_type` refuses it
    types = framing.binary_types if said else framing.json_types
    if media_type(request, binary=binary) not in types:
        raise unsupported(f"Content-Type must be {' or '.join(name.decode() for name in types if name)}")
    if not said:
        return json_object(request.body), _EMPTY
    try:
        length = _head_length(said, request.body)
    except Malformed as error:
        raise body_malformed(str(error)) from None
    if length:
        return json_object(_head(request.body, length)), memoryview(request.body)[length:]
    if not framing.raw:
        raise unsupported("raw input is not taken: Inference-Header-Content-Length is 0")
    if not request.body:
        raise body_malformed("the body is empty")
    return None, memoryview(request.body)


def response_parts(response: Response) -> tuple[object, memoryview]:
    """An answer's JSON and what follows it; raises `Malformed`."""
    said = response.header_values(HEAD_LENGTH)
    if not said:
        return strict_json.loads(response.body), _EMPTY
    length = _head_length(said, response.body)
    if length == 0:
        raise Malformed("it has no JSON head")
    return strict_json.loads(_head(response.body, length)), memoryview(response.body)[length:]


def tails(tensors: Sequence[Mapping[str, object]], rest: memoryview) -> list[memoryview | None]:
    """Each tensor's binary data, None for one that has none; raises `Malformed` unless they fill the rest."""
    found: list[memoryview | None] = []
    end = 0
    for tensor in tensors:
        size = _binary_size(tensor)
        found.append(None if size is None else rest[end : end + size])
        end += size or 0
    if end != len(rest):
        raise Malformed("binary_data_size: all of them together are not the length of what follows the JSON head")
    return found


def _head_length(said: Sequence[bytes], body: Body) -> int:
    if len(said) != 1 or _DIGITS.fullmatch(said[0]) is None:
        raise Malformed("Inference-Header-Content-Length is not one number in plain digits")
    length = int(said[0])
    if length > len(body):
        raise Malformed("Inference-Header-Content-Length is more than the body has")
    return length


def _head(body: Body, length: int) -> Body:
    return body if length == len(body) else body[:length]


def _binary_size(tensor: Mapping[str, object]) -> int | None:
    parameters = tensor.get("parameters")
    if not is_object(parameters) or "binary_data_size" not in parameters:
        return None
    size = parameters["binary_data_size"]
    # Not isinstance: a JSON boolean is no size.
    if type(size) is not int or size < 0:
        raise Malformed("binary_data_size is not an integer from 0")
    # Triton skips data where there is a size, KServe the other way round.
    if "data" in tensor:
        raise Malformed("a tensor has both data and binary_data_size")
    return size
