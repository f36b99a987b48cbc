"""Values in JSON rows: V1's instances and predictions, and TorchServe's single object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidecar.protocols.strict_json import is_array, is_object

if TYPE_CHECKING:
    from sidecar.model.facts import Reader


class Absent:
    """The type of `ABSENT`."""


ABSENT: Final = Absent()
"""There is no value at the place; None would be JSON's null."""


def member(row: object, name: str, plain_name: str | None = None) -> object:
    """A row's member `name`. A row that is no object has one, itself, under its array's name."""
    if is_object(row):
        return row.get(name, ABSENT)
    return row if name == plain_name else ABSENT


def cell(row: object, reader: Reader, plain_name: str | None = None) -> object:
    """The value at `NAME` or `NAME[col]` in one row, or `ABSENT`. An array of one value is that value."""
    value = member(row, reader.name, plain_name)
    if not is_array(value):
        return value if reader.column is None else ABSENT
    index = reader.column
    if index is None:
        return value[0] if len(value) == 1 else ABSENT
    return value[index] if index < len(value) else ABSENT
