"""Changes to a pod, each with its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sidecar.injector.state import FieldChange, ListChange, Place, State, holder_of, put

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sidecar.injector.values import Json


class Editor:
    """Edits a pod in place and keeps what it replaced."""

    def __init__(self, pod: Json) -> None:
        self.pod = pod
        self._changes: list[FieldChange | ListChange] = []

    @property
    def state(self) -> State:
        """All that was replaced so far."""
        return State(changes=tuple(self._changes))

    def put(self, place: Place, value: object) -> None:
        """Gives a field a value, unless it has it."""
        holder = self._holder(place)
        was = holder.get(place[-1])
        if was != value:
            self._changes.append(FieldChange(at=place, was=was, now=value))
            holder[place[-1]] = value

    def append(self, place: Place, entries: Sequence[object]) -> None:
        """Puts entries behind those of a list."""
        if entries:
            self._change(place, [*self._entries(place), *entries], entries, ())

    def put_first(self, place: Place, entries: Sequence[object], replaces: Callable[[Json], bool]) -> None:
        """Puts entries before those of a list, instead of some of them."""
        current = self._entries(place)
        removed = [(index, entry) for index, entry in enumerate(current) if replaces(cast("Json", entry))]
        kept = [entry for entry in current if not replaces(cast("Json", entry))]
        if entries or removed:
            self._change(place, [*entries, *kept], entries, removed)

    def _change(
        self, place: Place, value: list[object], added: Sequence[object], removed: Sequence[tuple[int, object]]
    ) -> None:
        self._changes.append(ListChange(at=place, added=tuple(added), removed=tuple(removed)))
        put(self._holder(place), place[-1], value)

    def _entries(self, place: Place) -> list[object]:
        return cast("list[object]", self._holder(place).get(place[-1]) or [])

    def _holder(self, place: tuple[str, ...]) -> Json:
        """The object with the field; made where a container has none."""
        if len(place) == 4:
            outer = self._holder(place[:3])
            outer[place[2]] = outer.get(place[2]) or {}
        holder = holder_of(self.pod, place)
        if holder is None:
            raise LookupError(place)
        return holder
