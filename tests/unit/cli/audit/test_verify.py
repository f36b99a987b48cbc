"""`sidecar audit verify`: what is said of a log, and the exit code."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.ledger.segments import segment_files
from tests.unit.cli.audit.calls import audit
from tests.unit.evidence.ledgers import Writer, written

if TYPE_CHECKING:
    from pathlib import Path


def test_verify_says_that_it_holds_and_whose_key_it_took(audit_dir: Path) -> None:
    shown = audit("verify", audit_dir)
    assert shown.exit_code == 0
    assert "\n  records  41: 0 to 40" in shown.output
    assert "\n  holds\n" in shown.output
    assert f"keys: {audit_dir}.pub, the default. Who can change the log" in shown.output
    assert "the default" not in audit("verify", audit_dir, "--public-key", f"{audit_dir}.pub").output


def test_verify_exits_1_with_the_place(audit_dir: Path) -> None:
    path = segment_files(audit_dir / "0" / "ledger")[1]
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    shown = audit("verify", audit_dir)
    assert (shown.exit_code, "DOES NOT HOLD: 1 records_damaged\n" in shown.output) == (1, True)
    assert f"  FOUND    records_damaged: record {int(path.stem)} is damaged: bytes 80 to " in shown.output
    assert f"at record {int(path.stem)}, 2026-11-21 " in shown.output
    assert f"records/{path.name} byte 80" in shown.output
    told = json.loads(audit("verify", audit_dir, "--json").output)
    (finding,) = told["logs"][0]["findings"]
    assert (told["logs"][0]["holds"], finding["code"], finding["sequence"]) == (
        False,
        "records_damaged",
        int(path.stem),
    )


def test_verify_compares_with_an_older_checkpoint(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(2)
    writer.sign()
    older = tmp_path / "older"
    older.write_bytes((writer.ledger_dir / "checkpoint").read_bytes())
    writer.exchanges(2)
    writer.close()
    assert audit("verify", tmp_path / "audit", "--against", older).exit_code == 0
    newer = writer.ledger_dir / "checkpoint"
    older.write_bytes(newer.read_bytes().replace(b"\n8\n", b"\n9\n"))
    shown = audit("verify", tmp_path / "audit", "--against", older)
    assert (shown.exit_code, "checkpoint_invalid" in shown.output) == (1, True)


@pytest.mark.parametrize("content", [b"", b'{"models": {}}\n', b"\x1b[2J\xff\0", b"origin\n\n\n"])
def test_what_is_no_checkpoint_is_no_alarm_of_the_log(audit_dir: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "older").write_bytes(content)
    shown = audit("verify", audit_dir, "--against", tmp_path / "older")
    assert shown.exit_code == 2
    assert shown.output.startswith(f"sidecar: {tmp_path}/older is no signed checkpoint: give a copy")


def test_verify_tells_neighbours_as_one_and_counts_each_kind(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit", count=400)
    shutil.rmtree(ledger / "tile")
    (ledger / "stray\x1b[2J").touch()
    shown = audit("verify", tmp_path / "audit").output
    row = "           at tile/0/000\n           and the next 2, up to tile/0/002\n"
    assert (shown.count("  FOUND "), row in shown) == (4, True)
    assert "\n  DOES NOT HOLD: 1 file_unknown, 5 tile_missing\n" in shown
    assert r"at stray\x1b[2J" in shown


def test_no_keys_are_bad_usage(audit_dir: Path) -> None:
    audit_dir.with_name("audit.pub").unlink()
    shown = audit("verify", audit_dir)
    assert (shown.exit_code, "audit.pub is not there: name the file of the log's public keys" in shown.output) == (
        2,
        True,
    )
