from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.audit.lookup import RecentIndex, export, logs, show

if TYPE_CHECKING:
    from pathlib import Path

A, B = "a" * 32, "b" * 32


def write(audit_dir: Path, slot: str, content: bytes) -> Path:
    path = audit_dir / slot / "ledger" / "records.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_the_index_keeps_the_offsets_of_the_newest_decisions() -> None:
    index = RecentIndex(limit=2)
    for decision_id, offset in (("a", 0), ("b", 10), ("a", 20), ("b", 30), ("c", 40)):
        index.add(decision_id, offset)
    assert [index.offsets(name) for name in "abcd"] == [(), (10, 30), (40,), ()]


def test_export_gives_every_record_of_every_slot_but_no_torn_one(tmp_path: Path) -> None:
    second = write(tmp_path, "1", b'{"n":3}\n')
    first = write(tmp_path, "0", b'{"n":1}\n{"n":2}\n{"n"')
    assert logs(tmp_path) == [first, second]
    assert list(export(tmp_path)) == [b'{"n":1}', b'{"n":2}', b'{"n":3}']
    assert list(export(tmp_path / "none")) == []


def test_show_gives_the_records_of_one_decision_in_order(tmp_path: Path) -> None:
    lines = [b'{"decision_id":"%s","n":%d}' % (name.encode(), n) for n, name in enumerate((A, B, A))]
    write(tmp_path, "0", b"\n".join([*lines, b'{"event":"stop"}', b""]))
    assert show(tmp_path, A) == [lines[0], lines[2]]
    assert show(tmp_path, "c" * 32) == []
