from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from sidecar.registry.store import database, many, tables
from tests.registries import ANN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.registries import Opened

BODIES: Sequence[Any] = [
    {"b": 1.0, "a": [None, True, 2**53 + 1]},
    {},
    {"ä": "'\"\\\n\u2028%(x)s :y ? $1", "e": 0.1 + 0.2},
]
SAME = {"changed_unix_s": 1_795_300_000.1234567, "changed_by": "'ann'"}
ODD = ["", "a'b", 'a"b', "a\\b", "ä", "[1]", "%s", ":x", "0"]


def rows(version: int, keys: Sequence[str] = ODD) -> list[dict[str, Any]]:
    return [
        {"key": key, "version": version, "body": many.text(BODIES[number % len(BODIES)])}
        for number, key in enumerate(keys)
    ]


def models(opened: Opened) -> dict[str, tuple[int, Any, float, str]]:
    with database.reading(opened.engine) as connection:
        return {row.key: tuple(row)[1:] for row in connection.execute(select(tables.model))}


def test_rows_come_back_as_they_went_in(opened: Opened) -> None:
    with database.writing(opened.engine, opened.clock, ANN) as writing:
        many.insert(writing.connection, tables.model, rows(1), SAME)
    found = models(opened)
    assert found == {row["key"]: (1, orjson.loads(row["body"]), *SAME.values()) for row in rows(1)}
    assert [repr(body) for _, body, *_ in found.values()] == [
        repr(orjson.loads(str(many.text(body)))) for _, body, *_ in found.values()
    ], "1.0 is not 1, and names are in order"


def test_a_row_that_is_there_already_is_no_second_one(opened: Opened) -> None:
    def write_twice() -> None:
        with database.writing(opened.engine, opened.clock, ANN) as writing:
            many.insert(writing.connection, tables.model, rows(1), SAME)
            many.insert(writing.connection, tables.model, rows(2, ["0"]), SAME)

    with pytest.raises(IntegrityError):
        write_twice()
    assert models(opened) == {}


def test_a_row_takes_the_place_of_the_one_with_its_key_except_for_what_is_set_at_first(opened: Opened) -> None:
    def write(version: int, keys: list[str], bulk: int) -> None:
        with database.writing(opened.engine, opened.clock, ANN) as writing:
            until = [row | {"until_unix_s": 0.1 * version} for row in rows(version, keys)]
            many.upsert(writing.connection, tables.revoked_token, until, SAME, {"bulk": bulk})

    write(1, ["a", "b"], 7)
    write(2, ["b", "c"], 8)
    columns = tables.revoked_token.c
    with database.reading(opened.engine) as connection:
        found = connection.execute(select(columns.key, columns.version, columns.until_unix_s, columns.bulk)).all()
    assert sorted(map(tuple, found)) == [("a", 1, 0.1, 7), ("b", 2, 0.2, 7), ("c", 2, 0.2, 8)]


def test_no_body_is_null(opened: Opened) -> None:
    lines = [
        {"number": 1, "action": "", "kind": "", "key": "", "before": many.text(None), "after": many.text({"a": None})}
    ]
    with database.writing(opened.engine, opened.clock, ANN) as writing:
        many.insert(writing.connection, tables.history, lines, {"sequence": 1, "unix_s": 0.5, "by": "x"})
    columns = tables.history.c
    with database.reading(opened.engine) as connection:
        assert connection.execute(select(columns.after).where(columns.before.is_(None))).scalars().all() == [
            {"a": None}
        ]


@pytest.mark.parametrize("keys", [[], ODD, [str(number) for number in range(100_000)]])
def test_any_keys_can_be_looked_up_by(opened: Opened, keys: list[str]) -> None:
    """More than a statement could have parameters, and none."""
    with database.writing(opened.engine, opened.clock, ANN) as writing:
        many.insert(writing.connection, tables.model, rows(1), SAME)
        listed = select(tables.model.c.key).where(tables.model.c.key.in_(many.listed(writing.connection, keys)))
        assert set(writing.connection.scalars(listed)) == set(ODD) & set(keys)


def test_nothing_to_write_is_nothing_written(opened: Opened) -> None:
    with database.writing(opened.engine, opened.clock, ANN) as writing:
        many.insert(writing.connection, tables.model, [], SAME)
        many.upsert(writing.connection, tables.model, [], SAME, {})
    assert models(opened) == {}
