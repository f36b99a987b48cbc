"""Records of a log from a time on, without a look at older segments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sidecar.audit.port import Kind
from sidecar.audit.since import records_since
from sidecar.ledger.segments import Damaged, segment_files
from tests.unit.evidence.ledgers import Writer, record

if TYPE_CHECKING:
    from pathlib import Path

SEGMENT_BYTES = 4_096


def _log(folder: Path, exchanges: int = 60) -> Writer:
    """A log of several segments; a millisecond between commits."""
    writer = Writer(folder / "audit", segment_bytes=SEGMENT_BYTES)
    writer.exchanges(exchanges)
    assert len(segment_files(writer.ledger_dir)) > 4
    return writer


def _since(ledger_dir: Path, unix_ns: int) -> tuple[list[dict[str, Any]], list[Damaged]]:
    damages: list[Damaged] = []
    return [json.loads(one) for one in records_since(ledger_dir, unix_ns, damages.append)], damages


def test_all_that_is_younger_is_there_and_little_that_is_older(tmp_path: Path) -> None:
    writer = _log(tmp_path)
    everything, _ = _since(writer.ledger_dir, 0)
    assert [one["sequence"] for one in everything] == list(range(len(everything)))
    for middle in everything[:: len(everything) // 7]:
        found, damages = _since(writer.ledger_dir, middle["time_unix_ns"])
        assert found == everything[found[0]["sequence"] :]
        assert found[0]["sequence"] <= middle["sequence"]
        assert sum(one["time_unix_ns"] < middle["time_unix_ns"] for one in found) * 150 <= SEGMENT_BYTES
        assert damages == []


def test_older_segments_are_not_opened(tmp_path: Path) -> None:
    writer = _log(tmp_path)
    everything, _ = _since(writer.ledger_dir, 0)
    for path in segment_files(writer.ledger_dir)[:-2]:
        path.write_bytes(b"whatever this is")
    assert _since(writer.ledger_dir, everything[-1]["time_unix_ns"])[1] == []


def test_with_the_intent_of_what_was_open_when_the_segment_began(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit", segment_bytes=SEGMENT_BYTES)
    writer.write(record(Kind.INTENT, 1_000))
    writer.exchanges(60)
    found, _ = _since(writer.ledger_dir, writer.clock.unix_ns())
    assert found[0]["kind"] == "INTENT"
    assert found[0]["decision_id"] == f"{1_000:032x}"


def test_a_damaged_segment_is_told_and_the_next_one_read(tmp_path: Path) -> None:
    writer = _log(tmp_path)
    everything, _ = _since(writer.ledger_dir, 0)
    path = segment_files(writer.ledger_dir)[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found, damages = _since(writer.ledger_dir, 0)
    sequences = {one["sequence"] for one in found}
    missing = [one["sequence"] for one in everything if one["sequence"] not in sequences]
    assert missing == list(range(missing[0], missing[0] + len(missing)))
    assert found[-1] == everything[-1]
    assert [damage.path for damage in damages] == [path]


def test_a_folder_without_a_log_has_no_records(tmp_path: Path) -> None:
    assert _since(tmp_path, 0) == ([], [])
