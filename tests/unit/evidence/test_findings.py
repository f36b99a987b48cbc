from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.evidence.findings import MEANINGS, NOTICES, SHOWN_LIMIT, Code, Finding, Findings, utc

PAGE = Path(__file__).resolve().parents[3] / "docs" / "audit.md"


def test_every_code_has_a_meaning_and_a_row_in_the_docs() -> None:
    assert set(MEANINGS) == set(Code)
    page = PAGE.read_text()
    rows = {code: f"| `{code}` | {'notice' if code in NOTICES else 'fails'} | {MEANINGS[code]} |\n" for code in Code}
    assert [code for code, row in rows.items() if row not in page] == []


def test_a_finding_says_its_place() -> None:
    finding = Finding(Code.RECORDS_DAMAGED, "it is", "records/0.seg", 80, 7, 1_795_300_000_000_000_000)
    assert finding.place == "record 7, 2026-11-21 22:26:40.000Z, records/0.seg byte 80"
    assert finding.as_json() == {
        "code": "records_damaged",
        "notice": False,
        "what": "it is",
        "meaning": MEANINGS[Code.RECORDS_DAMAGED],
        "file": "records/0.seg",
        "offset": 80,
        "sequence": 7,
        "time_unix_ns": 1_795_300_000_000_000_000,
    }
    assert Finding(Code.TORN_TAIL, "it is").place == ""


def test_findings_are_kept_once_and_up_to_a_limit() -> None:
    findings = Findings()
    for number in (*range(SHOWN_LIMIT + 5), 0):
        findings.add(Code.CLOCK_BACK, "it jumped", sequence=number)
    assert (len(findings.kept), findings.hidden) == (SHOWN_LIMIT, {Code.CLOCK_BACK: 5})


@pytest.mark.parametrize(
    ("unix_ns", "shown"),
    [
        (0, "1970-01-01 00:00:00.000Z"),
        (1_795_300_000_123_456_789, "2026-11-21 22:26:40.123Z"),
        (10**30, f"{10**30} ns"),
    ],
)
def test_times_are_utc(unix_ns: int, shown: str) -> None:
    assert utc(unix_ns) == shown
