from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ship.cursor import Cursor, CursorFile, open_cursor, resume

if TYPE_CHECKING:
    from pathlib import Path

LOG = "a" * 32
COUNTS = st.integers(0, 2**53)
CURSOR = Cursor(LOG, next=50, segment=40, offset=99, open=(41, 47), tiles=7, checkpoint=50, shipped=9, rejected=2)


@given(st.builds(Cursor, st.just(LOG), *[COUNTS] * 3, st.tuples(COUNTS, COUNTS), *[COUNTS] * 6))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, cursor: Cursor) -> None:
    file = CursorFile(tmp_path_factory.mktemp("cursors"), "otlp")
    assert file.read() is None
    file.write(cursor)
    assert file.read() == cursor


def test_the_file_is_as_retention_reads_it_and_nothing_else_stays(tmp_path: Path) -> None:
    file = CursorFile(tmp_path, "otlp")
    file.write(CURSOR)
    written = orjson.loads((tmp_path / "otlp.json").read_bytes())
    assert (written["v"], written["log"], written["next"], written["open"]) == (1, LOG, 50, [41, 47])
    assert [path.name for path in tmp_path.iterdir()] == ["otlp.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"v":1}',
        orjson.dumps({"v": 2, **orjson.loads(orjson.dumps(CURSOR))}),
        orjson.dumps({"v": 1, **orjson.loads(orjson.dumps(CURSOR)), "more": 1}),
        *[
            orjson.dumps({"v": 1, **orjson.loads(orjson.dumps(CURSOR)), **wrong})
            for wrong in ({"next": -1}, {"next": "1"}, {"next": True}, {"open": 3}, {"open": [1.5]}, {"log": None})
        ],
    ],
)
def test_a_file_that_is_no_cursor_means_starting_over(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = CursorFile(tmp_path, "otlp")
    file.path.write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's own, or one of four
        file.read()
    assert open_cursor(file, LOG, 5, 60) == Cursor(LOG, next=5, segment=5)
    assert "starting over from the oldest record" in caplog.text
    assert file.read() == Cursor(LOG, next=5, segment=5)


def test_a_cursor_that_fits_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = CursorFile(tmp_path, "otlp")
    file.write(CURSOR)
    with caplog.at_level(logging.DEBUG):
        assert open_cursor(file, LOG, 41, 50) == CURSOR
    assert not caplog.messages


def test_without_a_cursor_everything_is_due() -> None:
    assert resume(None, LOG, 7, 50) == (Cursor(LOG, next=7, segment=7), None)


def test_a_cursor_of_another_log_starts_over_and_keeps_its_totals() -> None:
    cursor, told = resume(CURSOR, "b" * 32, 3, 50)
    assert cursor == Cursor("b" * 32, next=3, segment=3, shipped=9, rejected=2)
    assert told == f"the cursor is of the log {LOG}, and this is {'b' * 32}: starting over"


@pytest.mark.parametrize("ahead", [{"next": 51}, {"tiles": 51}, {"checkpoint": 51}])
def test_a_cursor_ahead_of_its_log_starts_over(ahead: dict[str, int]) -> None:
    cursor, told = resume(replace(CURSOR, **ahead), LOG, 0, 50)
    assert cursor == Cursor(LOG, shipped=9, rejected=2)
    assert told is not None
    assert "was it rolled back?" in told


def test_records_that_were_deleted_unshipped_are_told_and_counted() -> None:
    cursor, told = resume(CURSOR, LOG, 60, 80)
    assert cursor == replace(CURSOR, next=60, segment=60, offset=80, open=(), rejected=2 + 60 - 41)
    assert told == "records before 60 were deleted before they were shipped: 19 at most are missing"


def test_an_intent_that_was_deleted_unshipped_is_told_and_counted() -> None:
    cursor, told = resume(CURSOR, LOG, 45, 80)
    assert cursor == replace(CURSOR, open=(47,), rejected=2 + 4)
    assert told is not None
    assert "4 at most" in told
