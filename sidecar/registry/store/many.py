"""Many rows at once, with as little work for each as the database allows: SQLite takes them one by one from its driver,
PostgreSQL as one JSON text, which it unrolls by itself.

A statement for each row takes PostgreSQL several times as long, and keys as parameters are limited in number. Rows in
the order of their keys go in fastest: neighbours then come to lie together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

import orjson
from sqlalchemy import JSON, Text, bindparam, column, func, literal, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection, Select, Table

_POSTGRESQL = "postgresql"
Rows = Sequence[Mapping[str, Any]]
"""All with the same names. Bodies as `text` has them."""


def text(body: object) -> str | None:
    """A body as columns hold it, its names in order; None: NULL."""
    return None if body is None else orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()


def listed(connection: Connection, keys: Iterable[str]) -> Select[str]:
    """Keys, for `IN`."""
    if connection.dialect.name == _POSTGRESQL:
        each = func.json_array_elements_text(sql_cast(_dumped(list(keys)), JSON))
    else:
        each = func.json_each(_dumped(list(keys)))
    return select(each.table_valued(column("value", Text)).c.value)


def insert(connection: Connection, table: Table, rows: Rows, same: Mapping[str, Any]) -> None:
    """Rows, and beside what is in each the `same` in all."""
    if not rows:
        return
    if connection.dialect.name == _POSTGRESQL:
        statement = postgresql.insert(table).from_select([*rows[0], *same], _unrolled(table, rows, same))
        connection.execute(statement)
    else:
        _drive(connection, sqlite.insert(table), rows, same)


def upsert(
    connection: Connection, table: Table, rows: Rows, same: Mapping[str, Any], at_first: Mapping[str, Any]
) -> None:
    """The same; a row takes the place of the one with its `key`, if there is one, which keeps what `at_first` names."""
    if not rows:
        return
    changing, every = [name for name in (*rows[0], *same) if name != "key"], {**same, **at_first}
    if connection.dialect.name == _POSTGRESQL:
        statement = postgresql.insert(table).from_select([*rows[0], *every], _unrolled(table, rows, every))
        values = {name: statement.excluded[name] for name in changing}
        connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))
    else:
        statement = sqlite.insert(table)
        values = {name: statement.excluded[name] for name in changing}
        _drive(connection, statement.on_conflict_do_update(index_elements=["key"], set_=values), rows, every)


def _drive(connection: Connection, statement: sqlite.Insert, rows: Rows, same: Mapping[str, Any]) -> None:
    """By the driver itself: SQLAlchemy's own work for each row takes longer than SQLite's."""
    names = [*rows[0], *same]
    compiled = cast("Any", statement.values({name: bindparam(name) for name in names}).compile(connection.engine))
    in_order = itemgetter(*compiled.positiontup)
    connection.exec_driver_sql(str(compiled), [in_order({**row, **same}) for row in rows])


def _unrolled(table: Table, rows: Rows, same: Mapping[str, Any]) -> Select[Any]:
    types = {name: table.c[name].type for name in rows[0]}
    bodies = [name for name, each in types.items() if isinstance(each, JSON)]
    typed = [column(name, Text() if name in bodies else each) for name, each in types.items()]
    found = func.json_to_recordset(sql_cast(_dumped(rows), JSON)).table_valued(*typed).render_derived(with_types=True)
    given = [sql_cast(found.c[name], JSON) if name in bodies else found.c[name] for name in types]
    return select(*given, *(literal(value, table.c[name].type) for name, value in same.items()))


def _dumped(value: object) -> ColumnElement[str]:
    return literal(orjson.dumps(value).decode(), Text)
