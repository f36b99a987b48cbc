"""A data document in slices: an engine takes each in a moment, and requests are served between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SLICE_MEMBERS = 512
"""Members of objects in one slice, at least: regorus takes them in within a millisecond or two."""
SLICES = 16
"""Of a document with more: each slice costs what is parsed of it, and a copy of the object that it is merged into."""

Json = dict[str, object]


def slices(document: Mapping[str, object]) -> Iterator[str]:
    """JSON objects that make up the document when each is merged into those before, object by object."""
    members = list(_members(document, ()))
    size = max(SLICE_MEMBERS, -(-len(members) // SLICES))
    for start in range(0, len(members), size):
        slice_: Json = {}
        for path, key, value in members[start : start + size]:
            place = slice_
            for part in path:
                place = cast("Json", place.setdefault(part, {}))
            place[key] = value
        yield orjson.dumps(slice_).decode()


def _members(value: Mapping[str, object], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, object]]:
    """Small objects whole, those of large ones one by one: where each lies, its key and its value."""
    for key, member in value.items():
        if isinstance(member, dict) and _is_large(cast("Json", member)):
            yield from _members(cast("Json", member), (*path, key))
        else:
            yield path, key, member


def _is_large(value: Json) -> bool:
    return len(value) > SLICE_MEMBERS or any(isinstance(member, dict) for member in value.values())
