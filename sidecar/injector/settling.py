"""What may stay as it is in a pod that was guarded before: forms in which the API server and others leave our work.

A guard makes its containers and volumes anew each time. Where the pod has them already and they mean the same, they
stay as they stand, in the order in which they stand: others put theirs before or behind, and the API server writes
quantities in its own way. Resources stay whatever they are: a LimitRange or an autoscaler fills them, and too little
of them never lets anything past the sidecar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson

from sidecar.injector import names
from sidecar.injector.quantities import QUANTITY, amount
from sidecar.injector.state import ListChange, State, holder_of

if TYPE_CHECKING:
    from sidecar.injector.values import Json

QUANTITY_FIELDS = frozenset({"storage", "sizeLimit"})
"""The fields of our volumes that are quantities."""


def settle(before: Json, guarded: Json, state: State) -> None:
    """Gives the guarded pod the forms of the pod before, wherever nothing else differs."""
    old, new = cast("Json", before["spec"]), cast("Json", guarded["spec"])
    for field, ours in (("initContainers", names.GUARD_CONTAINERS), ("volumes", names.GUARD_VOLUMES)):
        _keep_forms(_entries(old, field), _entries(new, field), ours)
    _keep_order(old, new, "volumes")
    if _starts_in_order(_entries(old, "initContainers")):
        _keep_order(old, new, "initContainers")
    for change in state.changes:
        was, now = holder_of(before, change.at), holder_of(guarded, change.at)
        if isinstance(change, ListChange) and change.added and change.at[-1] != "args" and was and now:
            _keep_same(was, now, change.at[-1])


def _entries(holder: Json, field: str) -> list[Json]:
    return cast("list[Json]", holder.get(field) or [])


def _keep_forms(old: list[Json], new: list[Json], ours: tuple[str, ...]) -> None:
    by_name = {entry["name"]: entry for entry in old if entry["name"] in ours}
    for index, entry in enumerate(new):
        there = by_name.get(entry["name"])
        if there is None:
            continue
        if "resources" in there and "resources" in entry:
            entry["resources"] = there["resources"]
        if meaning(there) == meaning(entry):
            new[index] = there


def _keep_order(old: Json, new: Json, field: str) -> None:
    """The order of before, where it was of the same entries."""
    order = [entry["name"] for entry in _entries(old, field)]
    by_name = {entry["name"]: entry for entry in _entries(new, field)}
    if len(order) == len(by_name) == len(_entries(new, field)) and set(order) == by_name.keys():
        new[field] = [by_name[name] for name in order]


def _keep_same(old: Json, new: Json, field: str) -> None:
    """The list of before, where the same entries are in it: variables or mounts."""
    was, now = _entries(old, field), _entries(new, field)
    if sorted(map(_text, was)) == sorted(map(_text, now)):
        new[field] = was


def _text(entry: Json) -> bytes:
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)


def _starts_in_order(containers: list[Json]) -> bool:
    """Whether OPA comes before the sidecar, and TorchServe's configuration after all that may bring the file."""
    ours = [container["name"] for container in containers if container["name"] in names.GUARD_CONTAINERS]
    plain = [container["name"] for container in containers if container.get("restartPolicy") != "Always"]
    in_order = ours == [name for name in names.GUARD_CONTAINERS if name in ours]
    return in_order and (names.TORCHSERVE_CONFIG not in ours or plain[-1:] == [names.TORCHSERVE_CONFIG])


def meaning(value: object, field: str = "") -> object:
    """A value without what is only form: nulls, what is empty, and how a quantity is written."""
    if isinstance(value, dict):
        fields = {key: meaning(inner, key) for key, inner in cast("Json", value).items()}
        return {key: inner for key, inner in fields.items() if inner not in (None, {}, [])}
    if isinstance(value, list):
        return [meaning(inner) for inner in cast("list[object]", value)]
    if isinstance(value, str) and field in QUANTITY_FIELDS and QUANTITY.fullmatch(value):
        return amount(value)
    return value
