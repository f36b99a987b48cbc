from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from sidecar.registry.store import database, tables
from sidecar.registry.store.writing import LINES_AT_ONCE, Touched
from tests.registries import ANN, BEN, NOW_UNIX_S

if TYPE_CHECKING:
    from tests.registries import Opened

NOW_MS = int(NOW_UNIX_S * 1_000)


def test_a_registry_begins_at_the_time_of_its_founding(opened: Opened) -> None:
    """So that engines which knew a former one, with lower sequences, take what this one makes."""
    registry = opened.registry
    documents = [registry.data_document(), registry.revocations(), registry.earlier()]
    assert [(each.sequence, each.created_unix_s) for each in documents] == [(NOW_MS, NOW_UNIX_S)] * 3
    assert registry.sequence() == NOW_MS


def test_sequences_rise_whatever_the_clock_does(opened: Opened) -> None:
    found: list[int] = []
    for step_s in (0.0, 0.0, -3_600.0, 10.0, 7_200.0):
        opened.clock.now_s += step_s
        with database.writing(opened.engine, opened.clock, ANN) as writing:
            writing.note("tried", "kind", "key", None, None)
        found.append(opened.registry.sequence())
    assert found == [NOW_MS + 1, NOW_MS + 2, NOW_MS + 3, NOW_MS + 4, NOW_MS + 3_610_000]


def test_all_lines_of_a_change_have_its_sequence_time_and_author(opened: Opened) -> None:
    count = 2 * LINES_AT_ONCE + 1
    with database.writing(opened.engine, opened.clock, BEN) as writing:
        for number in range(count):
            writing.note("tried", "kind", str(number), {"n": number}, None)
    lines = opened.registry.history(limit=count + 1)
    assert [(line.number, line.key, line.before, line.after) for line in lines] == [
        (number + 1, str(number), {"n": number}, None) for number in range(count)
    ]
    assert {(line.sequence, line.unix_s, line.by) for line in lines} == {(NOW_MS + 1, NOW_UNIX_S, "ben")}


def test_only_what_was_touched_has_changed(opened: Opened) -> None:
    with database.writing(opened.engine, opened.clock, ANN) as writing:
        writing.note("tried", "kind", "key", None, None)
        writing.touch(Touched.EARLIER)
    registry = opened.registry
    documents = (registry.data_document(), registry.revocations(), registry.earlier())
    assert [each.sequence - NOW_MS for each in documents] == [0, 0, 1]


def test_a_change_that_comes_to_nothing_leaves_no_trace(opened: Opened) -> None:
    with database.writing(opened.engine, opened.clock, ANN):
        pass
    assert opened.registry.sequence() == NOW_MS
    assert opened.registry.history() == []


def test_what_an_error_ends_has_not_happened(opened: Opened) -> None:
    row = {"name": "another", "sequence": 1, "changed_unix_s": 1.0}

    def fail() -> None:
        with database.writing(opened.engine, opened.clock, ANN) as writing:
            for _ in range(LINES_AT_ONCE):
                writing.note("tried", "kind", "key", None, None)
            writing.connection.execute(insert(tables.document), [row])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert opened.registry.history() == []
    with database.writing(opened.engine, opened.clock, ANN) as writing:
        writing.connection.execute(insert(tables.document), [row])
