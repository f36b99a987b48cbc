from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.audit.lookup import export
from sidecar.ledger.segments import Damaged
from tests.unit.ledger.logs import Log

if TYPE_CHECKING:
    from pathlib import Path


def test_export_gives_every_record_of_every_slot_but_no_torn_one(tmp_path: Path) -> None:
    first, second = Log(tmp_path), Log(tmp_path / "other")
    first.commit(100, 200)
    second.commit(300)
    end = first.appender._used_bytes
    first.commit(100)
    first.kill()
    second.close()
    with first.segment.open("r+b") as file:
        file.seek(end + 30)
        file.write(b"torn")
    second.layout.slot_dir.rename(tmp_path / "audit" / "1")
    assert list(export(tmp_path / "audit")) == [*first.records[:2], *second.records]
    assert list(export(tmp_path / "none")) == []


def test_export_stops_at_damage(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100)
    log.commit(100)
    log.commit(100)
    log.close()
    content = bytearray(log.segment.read_bytes())
    content[content.index(b'"sequence":1')] ^= 1
    log.segment.write_bytes(content)
    found: list[bytes] = []
    with pytest.raises(Damaged):
        found.extend(export(tmp_path / "audit"))
    assert found == log.records[:1]
