"""`sidecar audit replay`: its options, its words and its exit code."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.policies import REGO
from tests.unit.cli.audit.calls import audit
from tests.unit.evidence.replay.written import Kept, bundle, data

if TYPE_CHECKING:
    from pathlib import Path

BEGINS = "2026-11-21T22:26:40"
"""When the records of `decided` were written: all at this moment."""


@pytest.fixture
def decided(tmp_path: Path) -> Path:
    """An audit folder with one exchange: two decisions of the shipped rules."""
    book = Kept(tmp_path / "audit")
    book.activate(bundle(tmp_path, data()))
    book.exchange()
    book.close()
    return book.audit_dir


def test_under_the_policy_that_decided_nothing_differs(decided: Path) -> None:
    shown = audit("replay", decided)
    assert shown.exit_code == 0
    assert "2 records looked at, with the policies that decided:\n" in shown.output
    assert "\n  2 decisions replayed (2 by embedded)\n  0 of them different\n" in shown.output


@pytest.mark.parametrize("policy", [[], ["--policy", REGO]])
def test_data_alone_goes_with_the_shipped_rules(decided: Path, tmp_path: Path, policy: list[Path | str]) -> None:
    candidate = bundle(tmp_path, data(rules={"explanation": "enforce"}))
    shown = audit("replay", decided, *policy, "--data", tmp_path / "data.json", "--engine", "embedded", "--json")
    report = json.loads(shown.stdout)
    assert (shown.exit_code, report["policy"], report["replayed"]) == (1, candidate.revision, 2)
    assert [(row["change"], row["rule"], row["count"]) for row in report["changed"]] == [
        ("allow_to_deny", "explanation", 1)
    ]


@pytest.mark.parametrize(
    ("option", "time", "looked_at"),
    [
        ("--since", BEGINS, 2),
        ("--since", f"{BEGINS}Z", 2),
        ("--since", "2026-11-21T23:26:40+01:00", 2),
        ("--since", f"{BEGINS}.000001Z", 0),
        ("--since", "2026-11-21", 2),
        ("--since", "2026-11-22", 0),
        ("--until", f"{BEGINS}Z", 0),
        ("--until", f"{BEGINS}.000001Z", 2),
        ("--until", "2026-11-22", 2),
    ],
)
def test_a_span_is_in_utc_where_no_offset_is_given(decided: Path, option: str, time: str, looked_at: int) -> None:
    shown = audit("replay", decided, option, time, "--json")
    assert (shown.exit_code, json.loads(shown.stdout)["records"]) == (0 if looked_at else 1, looked_at)


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_what_is_no_time_is_bad_usage(decided: Path, option: str) -> None:
    shown = audit("replay", decided, option, "yesterday")
    assert (shown.exit_code, "'yesterday' is no time: write 2026-11-20 or" in shown.output) == (2, True)


def test_a_candidate_that_is_no_policy_is_bad_usage(decided: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.rego").write_text("package broken\n\nallow if\n")
    shown = audit("replay", decided, "--policy", tmp_path / "broken.rego")
    assert (shown.exit_code, shown.output.startswith("sidecar: ")) == (2, True)


def test_a_replay_of_nothing_is_not_green(audit_dir: Path) -> None:
    shown = audit("replay", audit_dir, "--since", "2030-01-01")
    assert (shown.exit_code, "sidecar: there are no records to look at\n" in shown.output) == (1, True)


def test_decisions_of_a_policy_that_is_not_kept_are_not_green(decided: Path) -> None:
    shutil.rmtree(decided / "policies")
    shown = audit("replay", decided)
    assert (shown.exit_code, "sidecar: no decision was replayed\n" in shown.output) == (1, True)


def test_records_of_another_form_are_not_replayed(audit_dir: Path) -> None:
    shown = audit("replay", audit_dir)
    assert shown.exit_code == 2
    assert shown.output.startswith(f"sidecar: the records in {audit_dir} are not as this version writes them: ")
