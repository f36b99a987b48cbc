"""From one object to another: as a patch (RFC 6902) for the API server, as paths for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.injector.values import Json

PATCHED = ("metadata", "spec")


def operations(before: Json, after: Json) -> list[Json]:
    """Coarse: each member of `metadata` and `spec` that is not the same is replaced as a whole."""
    found: list[Json] = []
    for part in PATCHED:
        if part not in before and part in after:
            found.append({"op": "add", "path": f"/{part}", "value": after[part]})
        else:
            found.extend(_of_part(f"/{part}", cast("Json", before.get(part, {})), cast("Json", after.get(part, {}))))
    return found


def _of_part(path: str, before: Json, after: Json) -> Iterator[Json]:
    for name in before.keys() - after.keys():
        yield {"op": "remove", "path": f"{path}/{_escaped(name)}"}
    for name, value in after.items():
        if name not in before or before[name] != value:
            yield {"op": "add", "path": f"{path}/{_escaped(name)}", "value": value}  # RFC 6902, 4.1: replaces, too


def differences(before: object, after: object, path: str = "") -> Iterator[str]:
    """Where the two are not the same, as JSON pointers (RFC 6901), in order; of containers the innermost places."""
    if isinstance(before, dict) and isinstance(after, dict):
        one, other = cast("Json", before), cast("Json", after)
        for name in sorted({*one, *other}):
            yield from _of_member(one, other, name, f"{path}/{_escaped(name)}")
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_items(cast("list[object]", before), cast("list[object]", after), path)
    elif before != after:
        yield path


def _of_member(one: Json, other: Json, name: str, path: str) -> Iterator[str]:
    if name in one and name in other:
        yield from differences(one[name], other[name], path)
    else:
        yield path


def _of_items(one: list[object], other: list[object], path: str) -> Iterator[str]:
    for index in range(max(len(one), len(other))):
        if index < min(len(one), len(other)):
            yield from differences(one[index], other[index], f"{path}/{index}")
        else:
            yield f"{path}/{index}"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
