"""JSON read so that every reader reads the same: RFC 8259 to the letter, and no key twice in an object.

orjson refuses a BOM, UTF-16, NaN, 1e999, lone surrogates and trailing data. It keeps the last of two equal
keys, as Python's `json` does, where RapidJSON (Triton) finds the first: a policy would judge one value and
the model use the other (CVE-2017-12635). So equal keys, compared as decoded, are refused wherever they stand.
Integers beyond 64 bits become floats in orjson; nothing governed may be a float.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard

import orjson

if TYPE_CHECKING:
    from sidecar.model.message import Body

MAX_DEPTH = 64
"""Levels of nesting: below what every engine takes of it (serde_json: 128)."""

MAX_BRACKETS = 262_144
"""Opening brackets and braces. In memory, `[[],[],…` takes 27 bytes for one; tensors may be flat."""

_WRITABLE_DEPTH = 254
"""Beyond it orjson writes nothing."""

# Only from the start of a run of backslashes, else a long run would cost its square.
_ESCAPED_COLON = re.compile(rb"(?<!\\)(\\++)u003[aA]")


class Malformed(ValueError):
    """What was read is not what it claims to be. The message never quotes the body."""


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a decoded value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Whether a decoded value is a JSON array."""
    return isinstance(value, list)


def loads(body: Body) -> object:
    """The value of a JSON text; raises `Malformed` for what two readers could read in two ways.

    What orjson kept is written again, at its speed, and colons are counted: every member has one. A member
    that was lost takes its colon with it and writing adds none: equal counts mean that no key came twice.
    """
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MAX_BRACKETS:
        raise Malformed(f"more than {MAX_BRACKETS} arrays and objects; tensors may be flat")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The cause holds the whole body: it must not travel with the message.
        raise Malformed(f"no JSON text (RFC 8259) near character {error.pos}") from None
    kept = orjson.dumps(value) if brackets <= MAX_DEPTH else _written_within_depth(value)
    if body.count(b":") + _escaped_colons(body) != kept.count(b":"):
        raise Malformed("an object has a key twice")
    return value


def _written_within_depth(value: object) -> bytes:
    """The value's text; wrapped so deep that orjson's own limit falls on `MAX_DEPTH`."""
    for _ in range(_WRITABLE_DEPTH - MAX_DEPTH):
        value = [value]
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise Malformed(f"nested deeper than {MAX_DEPTH} levels") from None


def _escaped_colons(body: Body) -> int:
    """Colons sent as `\\u003a`, which are written plain; after an even run of backslashes it is no escape."""
    if b"\\u003" not in body:
        return 0
    return sum(len(run) % 2 for run in _ESCAPED_COLON.findall(body))
