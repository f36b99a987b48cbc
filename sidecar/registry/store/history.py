"""What was changed, by whom and when: read in order, and as it stood at some time. Nothing here writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sidecar.registry.store import bodies, tables
from sidecar.registry.values import Change, Json, Kind

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Connection

_TABLE = tables.history
_LIMIT = 2**63 - 1
"""Of what databases count with; there are no lines above it."""
ROWS_AT_ONCE = 5_000


def newest(connection: Connection) -> int:
    """The sequence of the newest change."""
    return connection.scalars(select(tables.head.c.sequence)).one()


def page(connection: Connection, after: int, limit: int, kind: str | None, key: str | None) -> list[Change]:
    """See `Registry.history`."""
    lines = select(_TABLE).where(_TABLE.c.number > min(after, _LIMIT)).order_by(_TABLE.c.number).limit(limit)
    for column, value in ((_TABLE.c.kind, kind), (_TABLE.c.key, key)):
        if value is not None:
            bodies.check_text(value)
            lines = lines.where(column == value)
    return [Change(**row) for row in connection.execute(lines).mappings()]


def last_number(connection: Connection, at_unix_s: float) -> int:
    """The newest line of that time; 0 where there is none. Numbers rise even where a clock was set back."""
    return connection.scalars(select(func.max(_TABLE.c.number)).where(_TABLE.c.unix_s <= at_unix_s)).one() or 0


def as_of(connection: Connection, number: int, kind: Kind) -> Generator[tuple[str, Json]]:
    """The records of a kind as they stood after that line, in the order of their keys."""
    last = (
        select(func.max(_TABLE.c.number).label("number"))
        .where(_TABLE.c.kind == kind.value, _TABLE.c.number <= number)
        .group_by(_TABLE.c.key)
        .subquery()
    )
    standing = (
        select(_TABLE.c.key, _TABLE.c.after)
        .join(last, last.c.number == _TABLE.c.number)
        .where(_TABLE.c.after.is_not(None))
        .order_by(_TABLE.c.key)
    )
    yield from connection.execute(standing.execution_options(yield_per=ROWS_AT_ONCE))
