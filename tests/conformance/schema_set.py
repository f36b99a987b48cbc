"""The published schemas, and what tests need to try them."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
SCHEMAS: dict[str, dict[str, Any]] = {
    path.stem: orjson.loads(path.read_bytes()) for path in sorted((PROJECT / "schemas").glob("*.json"))
}
_REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)

GONE: Any = object()
"""`changed` takes the member away."""


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of `schemas/<name>.json`."""
    return Draft202012Validator(SCHEMAS[name], registry=_REGISTRY)


def errors(name: str, value: Any) -> list[str]:
    """What is wrong with a value, place by place; empty: it is valid."""
    found = [best_match([error]) for error in validator(name).iter_errors(value)]
    return [f"{error.json_path}: {error.message[:300]}" for error in found if error is not None]


def contract(name: str) -> Any:
    """An example of the contract, its placeholders filled in."""
    return orjson.loads((Path(__file__).parent / "contract" / f"{name}.json").read_bytes())


def members(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every member of every object in a value, at any depth, by its pointer."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        place = f"{pointer}/{name}"
        if isinstance(value, dict):
            yield place, item
        yield from members(item, place)


def removable(name: str, value: Any) -> set[str]:
    """The members that the schema does not miss."""
    return {place for place, _ in members(value) if not errors(name, changed(value, place, GONE))}


def untyped(name: str, value: Any) -> set[str]:
    """The members, and their items where they are lists, that the schema takes in a wrong type as well."""
    found: set[str] = set()
    for place, item in members(value):
        places = [(place, item), *((f"{place}/{i}", one) for i, one in enumerate(_list(item)))]
        found |= {at for at, one in places if not errors(name, changed(value, at, _of_another_type(one)))}
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _of_another_type(value: Any) -> Any:
    # A number is no null, string, boolean, list or object; null is left out, since it means "nothing" in places.
    return "wrong" if isinstance(value, int | float) else 7.5


def changed(value: Any, pointer: str, new: Any) -> Any:
    """A copy with one place changed, added or, by GONE, taken away. `/a/0` as RFC 6901; empty: the whole."""
    if not pointer:
        return new
    result = copy.deepcopy(value)
    *path, last = [int(part) if part.isdigit() else part for part in pointer[1:].split("/")]
    place = result
    for part in path:
        place = place[part]
    if new is GONE:
        del place[last]
    else:
        place[last] = new
    return result
