"""Records in the form of the data document (contract 5), which `sidecar registry export` writes.

An entry is what engines see of a record, or a whole body as the API has it: a model with its `owner`, a revocation with
its `reason`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sidecar.policy.data_document import DATA_KEYS
from sidecar.registry.importing.entries import Entry, Problem, Read
from sidecar.registry.store.bodies import PLACES
from sidecar.registry.values import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.registry.importing.positions import JsonFile
    from sidecar.registry.values import Json

_PARTS = frozenset(place for place in PLACES.values() if place[1])


def is_data(value: object) -> bool:
    """Whether a JSON value looks like one."""
    return isinstance(value, dict) and not cast("Json", value).keys().isdisjoint(DATA_KEYS)


def read_data(file: JsonFile) -> Iterator[Read]:
    """All of its records; the file `is_data`."""
    document: Json = file.value
    for name in document.keys() - DATA_KEYS:
        yield Problem(file.at(name), f"{name}: not accepted as data; only {', '.join(sorted(DATA_KEYS))} are")
    for name in ("revocations", "objections"):
        yield from _unknown_parts(file, name)
    for kind, (name, part) in PLACES.items():
        steps = (name, part) if part else (name,)
        yield from _entries(file, kind, steps)


def _unknown_parts(file: JsonFile, name: str) -> Iterator[Problem]:
    parts = file.value.get(name, {})
    for part in cast("Json", parts) if isinstance(parts, dict) else ():
        if (name, part) not in _PARTS:
            yield Problem(file.at(name, part), f"{name}.{part}: not known, and not imported")


def _entries(file: JsonFile, kind: Kind, steps: tuple[str, ...]) -> Iterator[Read]:
    entries: Any = file.value
    for depth, step in enumerate(steps, 1):
        if not isinstance(entries, dict):
            yield Problem(file.at(*steps[: depth - 1]), f"{'.'.join(steps[: depth - 1])}: must be an object")
            return
        entries = cast("Json", entries).get(step, {})
    if not isinstance(entries, dict):
        yield Problem(file.at(*steps), f"{'.'.join(steps)}: must be an object")
        return
    for key, value in cast("Json", entries).items():
        where, body = file.at(*steps, key), _body(kind, value)
        if body is None:
            yield Problem(where, f"{'.'.join((*steps, key))}: must be an object")
        else:
            yield Entry(kind, key, body, where)


def _body(kind: Kind, value: object) -> Json | None:
    if kind in _MARKED and not isinstance(value, dict):
        return {}  # in a data document whatever stands there means yes
    if not isinstance(value, dict):
        return None
    body = cast("Json", value)
    is_means = kind is Kind.GROUP_MEAN and not isinstance(body.get("means"), dict)
    return {"means": body} if is_means else body


_MARKED = frozenset({Kind.REVOKED_TOKEN, Kind.REVOKED_SUBJECT, Kind.OBJECTION})
