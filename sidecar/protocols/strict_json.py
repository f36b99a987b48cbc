"""JSON read so that every reader reads the same: RFC 8259 to the letter, no key twice in an object, no NUL in a key.

orjson refuses a BOM, UTF-16, NaN, 1e999, lone surrogates and trailing data. It keeps the last of two equal
keys, as Python's `json` does, where RapidJSON (Triton) finds the first: a policy would judge one value and
the model use the other (CVE-2017-12635). So equal keys, compared as decoded, are refused wherever they stand.
Integers beyond 64 bits become floats in orjson; nothing governed may be a float.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, TypeGuard

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sidecar.model.message import Body

MAX_DEPTH = 64
"""Levels of nesting: below what every engine takes of it (serde_json: 128)."""

MAX_BRACKETS = 262_144
"""Opening brackets and braces. In memory, `[[],[],…` takes 27 bytes for one; tensors may be flat."""

MAX_KEYS = 131_072
"""Of all objects. orjson takes 0.6 µs for one, four times as long as for any other 14 bytes, and nobody else runs."""

SMALL_BYTES = 2 * 1024
"""Up to here, writing a value again costs less than a walk over it."""

# In a string, too: there may be some more than there are keys, but never fewer.
_KEY_END = re.compile(rb'"[ \t\r\n]*+:')

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

    Every member has one colon. One that was lost, since its key came again, left its colon in the text. So the value
    is written again, at orjson's speed, and its colons are counted; of a larger one, first its members, which are
    as many as the colons where no string holds any.
    """
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MAX_BRACKETS:
        raise Malformed(f"more than {MAX_BRACKETS} arrays and objects; tensors may be flat")
    colons = body.count(b":")
    # A key has two quotes: most texts with many colons need no closer look.
    if colons > MAX_KEYS and body.count(b'"') > 2 * MAX_KEYS and len(_KEY_END.findall(body)) > MAX_KEYS:
        raise Malformed(f"more than {MAX_KEYS} keys")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The cause holds the whole body: it must not travel with the message.
        raise Malformed(f"no JSON text (RFC 8259) near character {error.pos}") from None
    is_escaped = b"\\" in body  # one byte is found at memory's speed, six are not
    may_hold_nul = is_escaped and b"\\u0000" in body
    needs_walk = may_hold_nul or brackets > MAX_DEPTH or len(body) > SMALL_BYTES
    if needs_walk and _members(value, brackets, may_hold_nul=may_hold_nul) == colons:
        return value
    if colons + (_escaped_colons(body) if is_escaped else 0) != orjson.dumps(value).count(b":"):
        raise Malformed("an object has a key twice")
    return value


def _members(value: object, brackets: int, *, may_hold_nul: bool) -> int:
    """Members of all objects in a value; raises `Malformed` where it is nested too deep, or a key holds a NUL.

    Triton cuts names off at a NUL: `score\\u0000x` is its input `score`.

    Level by level, until the text's `brackets` are all found: none are left among a tensor's elements, which then
    need no look. (Brackets in strings only make it look at more.)
    """
    members = 0
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        objects = [container for container in level if isinstance(container, dict)]
        members += sum(map(len, objects))
        if may_hold_nul and any("\0" in name for name in chain.from_iterable(objects)):
            raise Malformed("a key holds a NUL")
        brackets -= len(level)
        if not brackets or not level:
            return members
        items = [container.values() if isinstance(container, dict) else container for container in level]
        level = _containers(chain.from_iterable(items))
    if level:
        raise Malformed(f"nested deeper than {MAX_DEPTH} levels")
    return members


def _containers(items: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [item for item in items if isinstance(item, (dict, list))]


def _escaped_colons(body: Body) -> int:
    """Colons sent as `\\u003a`, which are written plain; after an even run of backslashes it is no escape."""
    if b"\\u003" not in body:
        return 0
    return sum(len(run) % 2 for run in _ESCAPED_COLON.findall(body))
