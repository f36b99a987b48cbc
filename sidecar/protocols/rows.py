"""Values in JSON rows: what a request or an answer says of one instance.

V1 and TF Serving have arrays of them, TorchServe and `generate` one alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidecar.protocols.strict_json import Malformed, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.model.facts import Reader


class Absent:
    """The type of `ABSENT`."""


ABSENT: Final = Absent()
"""There is no value at the place; None would be JSON's null."""


def rows_of(document: object, name: str) -> Sequence[object]:
    """The array at a top-level member; empty where there is none."""
    rows = document.get(name) if is_object(document) else None
    return rows if is_array(rows) else ()


def member(row: object, name: str, plain_name: str | None = None) -> object:
    """A row's member `name`. A row that is no object has one, itself, under its array's name."""
    if is_object(row):
        return row.get(name, ABSENT)
    return row if name == plain_name else ABSENT


def cell(row: object, reader: Reader, plain_name: str | None = None) -> object:
    """The value at `NAME` or `NAME[col]` in one row, or `ABSENT`. An array of one value is that value."""
    return pick(member(row, reader.name, plain_name), reader.column)


def cells(rows: Sequence[object], reader: Reader, plain_name: str | None = None) -> Sequence[object] | None:
    """The values at `NAME` or `NAME[col]`, one a row; empty where not each row has one, None where no row has NAME."""
    members = [member(row, reader.name, plain_name) for row in rows]
    if all(value is ABSENT for value in members):
        return None
    values = [pick(value, reader.column) for value in members]
    return () if ABSENT in values else values


def pick(value: object, index: int | None) -> object:
    """A scalar, or the one value of an array, or that at `index`; else `ABSENT`."""
    if not is_array(value):
        return value if index is None else ABSENT
    if index is None:
        return value[0] if len(value) == 1 else ABSENT
    return value[index] if index < len(value) else ABSENT


def columns_of(rows: Sequence[object]) -> dict[str, list[object]] | None:
    """The values of each member, one a row; None unless the rows are objects with the same members."""
    objects = [row for row in rows if is_object(row)]
    if not objects or len(objects) != len(rows) or any(row.keys() != objects[0].keys() for row in objects):
        return None
    return {name: [row[name] for row in objects] for name in objects[0]}


class OneRow:
    """`reading.Outputs` over an answer that is one row."""

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        """See `reading.Outputs.column`."""
        value = cell(document, reader)
        if value is ABSENT:
            raise Malformed("the answer has no such value")
        return (value,)

    def whole(self, document: object, reader: Reader) -> object:
        """See `reading.Outputs.whole`."""
        return member(document, reader.name)
