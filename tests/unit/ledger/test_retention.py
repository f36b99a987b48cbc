from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.ledger.reading import entries, first_sequence
from sidecar.ledger.retention import INTERVAL_S, Keep, SegmentRetention
from sidecar.ledger.segments import first_of, segment_files
from tests.budgets import examples
from tests.support import FixedClock
from tests.unit.ledger.faulty import Fail, FaultyFiles
from tests.unit.ledger.logs import SEGMENT_BYTES, Log, root_of, scratch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAY_S = 86_400.0
ALL = 1 << 60


class Kept:
    """A log of several segments under a retention, all of them written now by the clock that stands."""

    def __init__(
        self,
        folder: Path,
        keep: Keep,
        *,
        segments: int = 5,
        record_bytes: int = 100,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.clock = FixedClock()
        self.folder = folder
        self.keep = keep
        self.files = FaultyFiles(folder / "audit" / "0" / "draft")
        self.log = Log(folder, self.files, keep=keep, clock=self.clock, segment_bytes=segment_bytes)
        while len(self.paths) < segments:
            self.log.commit(record_bytes)
            self.log.sign()
        for path in self.paths:
            self.touch(path, 0.0)

    @property
    def paths(self) -> list[Path]:
        return segment_files(self.log.layout.ledger_dir)

    @property
    def firsts(self) -> list[int]:
        return [first_of(path) for path in self.paths]

    def touch(self, path: Path, age_s: float) -> None:
        """As if it had last been written so long ago."""
        os.utime(path, (self.clock.unix_s() - age_s,) * 2)

    def acknowledge(self, destination: str, content: object) -> None:
        self.log.layout.cursors.mkdir(exist_ok=True)
        (self.log.layout.cursors / f"{destination}.json").write_text(json.dumps(content))

    def apply(self) -> None:
        self.clock.advance(INTERVAL_S)
        self.log.notary.retain()


def test_segments_go_by_age_oldest_first(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Keep(DAY_S, ALL))
    before = kept.firsts
    kept.apply()
    assert kept.firsts == before
    for number in (0, 1, 3):
        kept.touch(kept.paths[number], DAY_S + INTERVAL_S)
    kept.apply()
    assert kept.firsts == before[2:]  # the fourth is old, and has a younger one before it
    kept.log.close()


def test_segments_go_by_size_as_few_as_need_to(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Keep(DAY_S, ALL))
    before, sizes = kept.firsts, [path.stat().st_size for path in kept.paths]
    for limit, gone in ((sum(sizes), 0), (sum(sizes) - 1, 1), (sum(sizes[2:]), 2), (0, 4)):
        kept.log.notary._retention = SegmentRetention(kept.files, kept.log.layout, Keep(DAY_S, limit), kept.clock)
        kept.apply()
        assert kept.firsts == before[gone:]
    kept.log.close()


@pytest.mark.parametrize(
    ("cursors", "gone"),
    [
        ({}, 0),
        ({"otlp": {"next": 10**6}}, 0),
        ({"otlp": {"next": 10**6}, "archive": {"next": 10**6, "open": []}}, 4),
        ({"otlp": {"next": 10**6}, "archive": {"next": 11}}, 1),
        ({"otlp": {"next": 10**6}, "archive": {"next": 10}}, 0),
        ({"otlp": {"next": 10**6, "open": [15, 12]}, "archive": {"next": 10**6}}, 1),
        ({"otlp": {"next": 10**6}, "archive": []}, 0),
        ({"otlp": {"next": 10**6}, "archive": {"next": None}}, 0),
        ({"otlp": {"next": 10**6}, "archive": {}}, 0),
    ],
)
def test_what_was_not_shipped_to_all_stays(tmp_path: Path, cursors: dict[str, object], gone: int) -> None:
    kept = Kept(tmp_path, Keep(0.0, 0, ("otlp", "archive")))
    before = kept.firsts
    assert before[1] == 11
    for destination, content in cursors.items():
        kept.acknowledge(destination, content)
    kept.apply()
    assert kept.firsts == before[gone:]
    kept.log.close()


def test_a_cursor_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Keep(0.0, 0, ("otlp",)))
    before = kept.firsts
    kept.acknowledge("otlp", {"next": 10**6})
    (kept.log.layout.cursors / "otlp.json").write_bytes(b'{"next":')
    kept.apply()
    assert kept.firsts == before
    kept.log.close()


def test_what_no_checkpoint_covers_stays(tmp_path: Path) -> None:
    """Its tiles may not be there yet, and without them no start could go on."""
    kept = Kept(tmp_path, Keep(0.0, 0), segments=3)
    signed = kept.log.notary.signed_size
    while len(kept.paths) < 6:
        kept.log.commit(100)
        kept.log.notary.reserve(kept.log.appender)
    kept.apply()
    assert kept.firsts[0] <= signed < kept.firsts[1]
    kept.log.kill()
    again = Log(tmp_path)
    assert again.appender.next_sequence == kept.log.appender.next_sequence
    again.close()


def test_an_exchange_that_is_still_open_stays(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Keep(0.0, 0), segments=2)
    kept.log.appender.oldest_open = lambda: 13
    while len(kept.paths) < 6:
        kept.log.commit(100)
        kept.log.sign()
    kept.apply()
    assert kept.firsts[0] == 11
    kept.log.close()


def test_it_looks_once_a_minute_and_again_at_once_where_it_failed(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Keep(0.0, 0))
    fault = Fail(kept.files, lambda call: call.name == "remove" and call.file.endswith(".seg"))
    kept.clock.advance(INTERVAL_S)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output error"):
            kept.log.notary.retain()
    assert (fault.count, len(kept.paths)) == (2, 5)
    fault.is_on = False
    kept.log.notary.retain()
    assert len(kept.paths) == 1
    while len(kept.paths) < 3:
        kept.log.commit(100)
        kept.log.sign()
    kept.log.notary.retain()
    assert len(kept.paths) == 3
    kept.apply()
    assert len(kept.paths) == 1
    kept.log.close()


def test_the_tiles_of_deleted_records_go_too_and_those_of_others_stay(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Keep(DAY_S, ALL), segments=8, record_bytes=70, segment_bytes=8_000)
    folder = kept.log.layout.ledger_dir / "tile"
    (folder / "0" / "not-ours").touch()

    def tiles() -> list[str]:
        return sorted(path.name for path in (folder / "0").iterdir() if path.is_file())

    assert (tiles(), 256 < kept.firsts[4] < 512 < kept.firsts[-1]) == (["000", "001", "not-ours"], True)
    for path in kept.paths[:4]:
        kept.touch(path, 2 * DAY_S)
    kept.apply()
    assert tiles() == ["001", "not-ours"]  # its last records are still there
    for path in kept.paths:
        kept.touch(path, 2 * DAY_S)
    kept.apply()
    assert (tiles(), len(kept.paths)) == (["not-ours"], 1)
    assert [path.name for path in (folder / "1" / "000.p").iterdir()] == ["2"]
    kept.log.close()


@settings(max_examples=examples(30))
@given(
    ages=st.lists(st.integers(0, 1), min_size=60, max_size=60),
    shipped=st.none() | st.integers(0, 700),
    is_killed=st.booleans(),
)
def test_a_log_opens_and_goes_on_after_retention(ages: Sequence[int], shipped: int | None, is_killed: bool) -> None:
    with scratch() as folder:
        kept = Kept(folder, Keep(DAY_S, ALL, () if shipped is None else ("otlp",)), segments=30, record_bytes=120)
        records = list(kept.log.records)
        for path, age in zip(kept.paths, ages, strict=False):
            kept.touch(path, 3 * DAY_S * age)
        kept.acknowledge("otlp", {"next": shipped or 0})
        kept.apply()
        first = kept.firsts[0]
        assert first <= (len(records) if shipped is None else shipped)
        kept.log.kill() if is_killed else kept.log.close()
        again = Log(folder)
        assert first_sequence(again.layout.ledger_dir) == first
        again.commit(100, 100)
        again.sign()
        again.close()
        assert [entry.record for entry in entries(again.layout.ledger_dir)] == [*records[first:], *again.records[-2:]]
        assert again.appender.tree.root() == root_of([*records, *again.records[-2:]])
