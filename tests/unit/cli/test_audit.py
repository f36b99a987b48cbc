"""`sidecar audit`: exit codes and words."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sidecar.audit.salts import Salts
from sidecar.cli import main
from sidecar.evidence import AuditLog
from sidecar.ledger.segments import segment_files
from tests.support import FixedClock
from tests.unit.evidence.ledgers import Writer, decision_id, written

BY_ID = ["show", "prove"]
VERBS = ["verify", "show", "prove", "export", "replay", "forget"]


def audit(*arguments: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)], input=typed, catch_exceptions=False)


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    written(tmp_path / "audit", count=20)
    return tmp_path / "audit"


def test_help_names_every_verb() -> None:
    shown = audit("--help").output
    assert [verb for verb in VERBS if f"  {verb} " not in shown] == []
    assert [verb for verb in VERBS if audit(verb, "--help").exit_code != 0] == []


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


@pytest.mark.parametrize("verb", [["verify"], ["export"], ["show", decision_id(1)], ["show", decision_id(1), "--json"]])
def test_a_reader_that_has_seen_enough_ends_a_verb_without_a_word(audit_dir: Path, verb: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sidecar", "audit", *verb, str(audit_dir)]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("verb", [["verify"], ["export"]])
def test_an_output_that_cannot_be_written_is_no_finding(audit_dir: Path, verb: list[str]) -> None:
    command = [sys.executable, "-m", "sidecar", "audit", *verb, str(audit_dir)]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (2, b"sidecar: [Errno 28] No space left on device\n")


def test_who_interrupts_a_verb_finds_nothing(audit_dir: Path) -> None:
    """A FIFO in the place of a proof is waited for: so the interrupt comes while the verb runs."""
    fifo = audit_dir.with_name("fifo")
    os.mkfifo(fifo)
    command = [sys.executable, "-m", "sidecar", "audit", "verify", "--proof", str(fifo)]
    command += ["--public-key", f"{audit_dir}.pub"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as verb, fifo.open("wb"):  # opened once the verb reads it
        verb.send_signal(signal.SIGINT)
        _, told = verb.communicate()
    assert (verb.returncode, told) == (128 + signal.SIGINT, b"")


def test_what_was_not_foreseen_is_no_finding(audit_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(AuditLog, "verify", broken)
    shown = audit("verify", audit_dir)
    assert (shown.exit_code, "ZeroDivisionError" in shown.output) == (2, True)


@pytest.mark.parametrize("verb", [["verify"], ["export"], ["replay"], *([name, decision_id(1)] for name in BY_ID)])
def test_no_log_is_bad_usage(tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "file").touch()
    for place in ("nowhere", "file"):
        shown = audit(*verb, tmp_path / place)
        assert (shown.exit_code, f"sidecar: {tmp_path / place} holds no log" in shown.output) == (2, True)


def test_no_keys_are_bad_usage(audit_dir: Path) -> None:
    audit_dir.with_name("audit.pub").unlink()
    shown = audit("verify", audit_dir)
    assert (shown.exit_code, "audit.pub is not there: name the file of the log's public keys" in shown.output) == (
        2,
        True,
    )


def test_show_tells_the_story_or_the_records(audit_dir: Path) -> None:
    assert f"decision {decision_id(3)}" in audit("show", decision_id(3), audit_dir).output
    lines = audit("show", decision_id(3), audit_dir, "--json").output.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["INTENT", "OUTCOME"]
    assert audit("show", decision_id(10).upper(), audit_dir).exit_code == 0
    assert audit("show", decision_id(99), audit_dir).exit_code == 1
    assert audit("show", "what", audit_dir).exit_code == 2


def test_a_proof_is_written_and_checked_without_the_log(audit_dir: Path, tmp_path: Path) -> None:
    shown = audit("prove", decision_id(3), audit_dir)
    proof = tmp_path / "proof.json"
    proof.write_text(shown.output)
    checked = audit("verify", "--proof", proof, "--public-key", f"{audit_dir}.pub")
    assert (checked.exit_code, checked.output.count("proven: record ")) == (0, 2)
    assert audit("verify", "--proof", proof).exit_code == 2
    proof.write_text(shown.output.replace("released", "refused "))
    changed = audit("verify", "--proof", proof, "--public-key", f"{audit_dir}.pub")
    assert (changed.exit_code, "proves nothing" in changed.output) == (1, True)
    assert audit("prove", decision_id(99), audit_dir).exit_code == 1


def test_export_prints_records_or_writes_a_site(audit_dir: Path, tmp_path: Path) -> None:
    lines = audit("export", audit_dir).output.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == list(range(41))
    assert audit("export", audit_dir, "--tlog", tmp_path / "site").output == f"{tmp_path / 'site'}: 41 records\n"
    again = audit("export", audit_dir, "--tlog", tmp_path / "site")
    assert (again.exit_code, again.output) == (2, f"sidecar: {tmp_path / 'site'} is not empty: name a new folder\n")


def test_a_damaged_log_is_not_exported_as_if_it_were_whole(audit_dir: Path) -> None:
    path = segment_files(audit_dir / "0" / "ledger")[0]
    path.write_bytes(path.read_bytes()[:-3])
    shown = audit("export", audit_dir)
    assert (shown.exit_code, "`sidecar audit verify" in shown.output) == (1, True)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"\xff\x1b", "the document is no JSON"),
        (b"[]", "the document is no JSON object"),
        (b"{}", "it has no `format`"),
        (b'{"format": "\\u001b"}', "the document's `format` is not `model-policy-sidecar proof v1`"),
        (b'{"format": "model-policy-sidecar proof v1"}', "the document, or a record in it, has no `decision_id`"),
    ],
)
def test_what_is_no_proof_is_said_in_words(audit_dir: Path, tmp_path: Path, document: bytes, why: str) -> None:
    proof = tmp_path / "proof.json"
    proof.write_bytes(document)
    shown = audit("verify", "--proof", proof, "--public-key", f"{audit_dir}.pub")
    assert (shown.exit_code, shown.output) == (1, f"sidecar: {proof} proves nothing: {why}\n")


def test_a_replay_of_nothing_is_not_green(audit_dir: Path) -> None:
    shown = audit("replay", audit_dir, "--since", "2030-01-01")
    assert (shown.exit_code, "sidecar: there are no records to look at\n" in shown.output) == (1, True)


def test_forget_says_what_it_means_and_asks(audit_dir: Path) -> None:
    Salts(audit_dir / "salts", FixedClock()).current()
    refused = audit("forget", "2026-11-21", audit_dir, typed="n\n")
    assert (refused.exit_code, "There is no way back." in refused.output) == (1, True)
    assert (audit_dir / "salts" / "2026-11-21.salt").exists()
    assert audit("forget", "2026-11-21", audit_dir, "--yes").exit_code == 0
    assert audit("forget", "2026-11-21", audit_dir, "--yes").exit_code == 2
    assert audit("verify", audit_dir).exit_code == 0
