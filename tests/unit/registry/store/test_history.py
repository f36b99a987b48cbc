from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from sidecar.registry.values import Change, Invalid, Kind
from tests.registries import ANN, BEN, DAY_S, NOW_UNIX_S, pseudonym
from tests.unit.registry.store.test_bodies import DATASET

if TYPE_CHECKING:
    from sidecar.registry.store.registry import Registry
    from tests.registries import Opened, SetClock

NOW_MS = int(NOW_UNIX_S * 1_000)
_EVERYWHERE = [
    "UPDATE history SET by = 'nobody'",
    "UPDATE history SET after = NULL WHERE number = 1",
    "DELETE FROM history",
    "DELETE FROM history WHERE number = 1",
]
STATEMENTS = {"sqlite": _EVERYWHERE, "postgresql": [*_EVERYWHERE, "TRUNCATE history"]}


def test_every_change_is_a_line_with_what_was_and_what_is(registry: Registry, clock: SetClock) -> None:
    registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
    clock.now_s += DAY_S
    body = DATASET | {"checksum": "0"}
    registry.put(Kind.DATASET, "d", body, by=BEN, if_match=1)
    registry.delete(Kind.DATASET, "d", by=ANN, if_match=2)
    later = (NOW_MS + int(DAY_S) * 1_000, NOW_UNIX_S + DAY_S)
    assert registry.history() == [
        Change(1, NOW_MS + 1, NOW_UNIX_S, "ann", "created", "dataset", "d", None, DATASET),
        Change(2, *later, "ben", "changed", "dataset", "d", DATASET, body),
        Change(3, later[0] + 1, later[1], "ann", "deleted", "dataset", "d", body, None),
    ]


def test_it_is_read_in_pages_and_by_what_it_is_about(registry: Registry) -> None:
    registry.put_many(Kind.DATASET, [(str(number), DATASET) for number in range(7)], by=ANN)
    registry.put(Kind.OBJECTION, pseudonym(3), {}, by=ANN, if_match=None)
    registry.put(Kind.DATASET, "3", DATASET | {"checksum": "0"}, by=ANN, if_match=1)
    pages = [registry.history(after=after, limit=3) for after in (0, 3, 6, 9)]
    assert [[line.number for line in page] for page in pages] == [[1, 2, 3], [4, 5, 6], [7, 8, 9], []]
    assert [line.number for line in registry.history(kind="dataset", key="3")] == [4, 9]
    assert [line.key for line in registry.history(kind="objection")] == [pseudonym(3)]
    assert registry.history(after=2**70) == []


@pytest.mark.parametrize("words", [{"kind": "\0"}, {"key": "\ud800"}])
def test_no_text_breaks_a_look_up(registry: Registry, words: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        registry.history(**words)


def test_the_database_itself_refuses_to_change_the_past(opened: Opened) -> None:
    opened.registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
    before = opened.registry.history()
    for statement in STATEMENTS[opened.engine.dialect.name]:
        with pytest.raises(DatabaseError, match="only ever added to"), opened.engine.begin() as connection:
            connection.execute(text(statement))
    assert opened.registry.history() == before
