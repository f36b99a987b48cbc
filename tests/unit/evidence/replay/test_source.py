from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.evidence.folders import NoLog
from sidecar.evidence.replay.source import Span, count_records, home_of, records_of
from sidecar.ledger.segments import Damaged
from tests.unit.evidence.ledgers import archived, written

if TYPE_CHECKING:
    from pathlib import Path


def test_all_records_of_a_folder_in_order(tmp_path: Path) -> None:
    written(tmp_path / "audit", count=20)
    found = [orjson.loads(record) for record in records_of(tmp_path / "audit")]
    assert [record["sequence"] for record in found] == list(range(41))
    assert count_records(tmp_path / "audit") == 41


@pytest.mark.parametrize("place", [".", "0", "0/ledger"])
def test_salts_and_policies_are_in_the_audit_folder_whichever_part_is_named(tmp_path: Path, place: str) -> None:
    written(tmp_path / "audit", count=1)
    assert home_of(tmp_path / "audit" / place) == tmp_path / "audit"


def test_a_log_alone_has_neither(tmp_path: Path) -> None:
    assert home_of(archived(tmp_path)) is None


def test_a_checkpoint_that_cannot_be_read_is_counted_as_nothing(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit")
    (ledger / "checkpoint").write_text("origin\nmany\n")
    assert count_records(tmp_path / "audit") == 0
    (ledger / "checkpoint").unlink()
    assert count_records(tmp_path / "audit") == 0


def test_a_folder_without_a_log_and_a_damaged_log_are_told(tmp_path: Path) -> None:
    with pytest.raises(NoLog):
        list(records_of(tmp_path))
    ledger = written(tmp_path / "audit")
    segment = min((ledger / "records").iterdir())
    content = bytearray(segment.read_bytes())
    content[300] ^= 1
    segment.write_bytes(content)
    with pytest.raises(Damaged):
        list(records_of(tmp_path / "audit"))


@pytest.mark.parametrize(
    ("span", "inside"),
    [
        (Span(), [0, 5, 9]),
        (Span(since_unix_ns=5), [5, 9]),
        (Span(until_unix_ns=5), [0]),
        (Span(5, 9), [5]),
    ],
)
def test_a_span_holds_its_beginning_and_not_its_end(span: Span, inside: list[int]) -> None:
    assert [unix_ns for unix_ns in (0, 5, 9) if unix_ns in span] == inside
