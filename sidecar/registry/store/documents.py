"""What the bundle `data` is made of, and when each bundle's document has last changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from sidecar.registry.store import bodies, tables
from sidecar.registry.store.writing import Touched
from sidecar.registry.values import Document, Json, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

ROWS_AT_ONCE = 5_000
"""Rows in memory beside what is made of them."""


def data(connection: Connection) -> Document:
    """See `Registry.data_document`."""
    return dated(connection, Touched.DATA, placed(of_kind(connection, kind) for kind in Kind if not _is_revoked(kind)))


def of_kind(connection: Connection, kind: Kind) -> tuple[Kind, dict[str, object]]:
    """All records of a kind, as engines see them, by key."""
    table = tables.RECORDS[kind]
    if kind in bodies.REVOCATIONS:  # may be a million: their bodies say nothing to engines
        keys = connection.scalars(select(table.c.key).order_by(table.c.key).execution_options(yield_per=ROWS_AT_ONCE))
        return kind, dict.fromkeys(keys, bodies.for_engines(kind, {}))
    rows = connection.execute(
        select(table.c.key, table.c.body).order_by(table.c.key).execution_options(yield_per=ROWS_AT_ONCE)
    )
    return kind, {key: bodies.for_engines(kind, body) for key, body in rows}


def placed(entries: Iterable[tuple[Kind, dict[str, object]]]) -> Json:
    """Entries by key of several kinds, each where it stands in the data document."""
    document: dict[str, dict[str, object]] = {}
    for kind, each in entries:
        part, name = bodies.PLACES[kind]
        if name:
            document.setdefault(part, {})[name] = each
        else:
            document[part] = each
    return {**document}


def dated(connection: Connection, name: Touched, json: Json) -> Document:
    """With the sequence and time of the change that it got this content from."""
    row = connection.execute(select(tables.document).where(tables.document.c.name == name.value)).one()
    return Document(json, row.sequence, row.changed_unix_s)


def sequences(connection: Connection) -> dict[str, int]:
    """Of the change that each document has got its content from, by its name."""
    rows = connection.execute(select(tables.document.c.name, tables.document.c.sequence))
    return {row.name: row.sequence for row in rows}


def _is_revoked(kind: Kind) -> bool:
    return kind in bodies.REVOCATIONS
