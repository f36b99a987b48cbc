"""What a guard replaced in a pod: as the annotation `state` keeps it, and how it is put back.

A guarded pod is guarded again by undoing first, so that guarding twice is guarding once, whatever others changed in
between. What is no longer as the guard left it stays as it is. The annotation is anyone's to write: whatever it says,
the outcome is a pod that its author could have submitted as it is, and is guarded as such.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Literal, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sidecar.injector import names
from sidecar.injector.shape import all_containers_of, annotations_of, shaped
from sidecar.injector.values import Json, PodRefused

if TYPE_CHECKING:
    from sidecar.injector.shape import Pod

CHANGES_LIMIT = 1_000
Place = (
    tuple[Literal["spec"], Literal["terminationGracePeriodSeconds"]]
    | tuple[
        Literal["containers", "initContainers"],
        str,
        Literal["livenessProbe", "readinessProbe", "startupProbe", "args", "env", "ports", "volumeMounts"],
    ]
    | tuple[Literal["containers"], str, Literal["lifecycle"], Literal["preStop"]]
)
"""Where a guard changes something that is not its own: of the spec, or of a container by its name."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldChange(_Part):
    """A field that was given another value."""

    at: Place
    was: object = None
    """None: nothing."""
    now: object


class ListChange(_Part):
    """A list that got entries, lost some, or both."""

    at: Place
    added: tuple[object, ...] = ()
    removed: tuple[tuple[Annotated[int, Field(ge=0)], object], ...] = ()
    """With the index that each had."""


class State(_Part):
    """All that a guard replaced. Its own containers, volumes, label and annotations are known by their names."""

    version: Literal[1] = 1
    changes: tuple[FieldChange | ListChange, ...] = Field(default=(), max_length=CHANGES_LIMIT)


def restore(pod: Pod) -> Pod:
    """The pod as it was before it was guarded; a pod that is not guarded as it is. Raises `PodRefused`."""
    text = annotations_of(pod).get(names.STATE)
    bare = cast("Json", shaped(cast("Json", pod)))
    if text is None:
        _taken(pod)
    else:
        state = _read(text)
        _without_ours(bare)
        for change in reversed(state.changes):
            _undo(bare, change)
    _without_words(bare)
    return shaped(bare)


def _taken(pod: Pod) -> None:
    """Without a state nothing in the pod is the guard's, so that its names are somebody else's."""
    found = [container["name"] for container in all_containers_of(pod)]
    found += [volume["name"] for volume in pod["spec"].get("volumes") or []]
    problems = [
        f"the name {name} is the guard's, and annotation {names.STATE} is missing; rename it"
        for name in found
        if name in names.GUARD_CONTAINERS + names.GUARD_VOLUMES
    ]
    if problems:
        raise PodRefused(problems)


def _read(text: str) -> State:
    try:
        return State.model_validate_json(text)
    except ValidationError as error:
        problem = f"annotation {names.STATE} is not the injector's; remove it, and submit the pod unguarded"
        raise PodRefused([problem]) from error


def _without_ours(pod: Json) -> None:
    spec = cast("Json", pod["spec"])
    for field, ours in (("initContainers", names.GUARD_CONTAINERS), ("volumes", names.GUARD_VOLUMES)):
        entries = cast("list[Json]", spec.get(field) or [])
        put(spec, field, [entry for entry in entries if entry["name"] not in ours])


def _without_words(pod: Json) -> None:
    """What an author wrote there at first is lost with it: these are the injector's."""
    metadata = cast("Json", pod.get("metadata") or {})
    for field, ours in (("annotations", names.WRITTEN), ("labels", (names.LABEL_GUARDED,))):
        words = cast("dict[str, str]", metadata.get(field) or {})
        put(metadata, field, {name: value for name, value in words.items() if name not in ours})


def _undo(pod: Json, change: FieldChange | ListChange) -> None:
    holder = holder_of(pod, change.at)
    if holder is None:
        return
    field = change.at[-1]
    current = holder.get(field)
    if isinstance(change, ListChange):
        put(holder, field, _undone(cast("list[object]", current) if isinstance(current, list) else [], change))
    elif current == change.now:
        put(holder, field, change.was)
    if len(change.at) == 4 and not holder and (outer := holder_of(pod, change.at[:3])):
        outer.pop(change.at[2], None)


def put(holder: Json, field: str, value: object) -> None:
    """Nothing, null, and an empty list or object are the same to Kubernetes: its API server writes none of them."""
    if value in (None, [], {}):
        holder.pop(field, None)
    else:
        holder[field] = value


def _undone(current: list[object], change: ListChange) -> list[object]:
    entries = list(current)
    for entry in reversed(change.added):
        with contextlib.suppress(ValueError):  # changed since: it stays
            del entries[len(entries) - 1 - entries[::-1].index(entry)]
    keys = [_key(entry) for entry in entries]
    for index, entry in change.removed:
        if _key(entry) not in keys:  # or somebody put another in its place
            entries.insert(index, entry)
    return entries


def _key(entry: object) -> object:
    """What makes two entries of `ports` or `env` the same."""
    if not isinstance(entry, dict):
        return entry
    fields = cast("Json", entry)
    return (
        [fields.get("containerPort"), fields.get("protocol") or "TCP"]
        if "containerPort" in fields
        else fields.get("name")
    )


def holder_of(pod: Json, place: tuple[str, ...]) -> Json | None:
    """The object that has the place's last part as a field; None where there is none."""
    spec = cast("Json", pod["spec"])
    if place[0] == "spec":
        return spec
    containers = cast("list[Json]", spec.get(place[0]) or [])
    container = next((one for one in containers if one["name"] == place[1]), None)
    if container is None or len(place) == 3:
        return container
    held = container.get(place[2])
    return cast("Json", held) if isinstance(held, dict) else None


def written(state: State) -> str:
    """The annotation's text."""
    return orjson.dumps(state.model_dump(exclude_defaults=True), option=orjson.OPT_SORT_KEYS).decode()
