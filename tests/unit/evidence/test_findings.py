from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.evidence.findings import (
    MEANINGS,
    NOTICES,
    SHOWN_LIMIT,
    WHAT_LIMIT_CHARS,
    Code,
    Finding,
    Findings,
    utc,
)
from sidecar.ledger.tiles import tile_path

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
        "count": 1,
        "last": None,
    }
    assert Finding(Code.TORN_TAIL, "it is").place == ""


def test_findings_are_kept_once_and_up_to_a_limit() -> None:
    findings = Findings()
    for number in (*range(SHOWN_LIMIT + 5), 0):
        findings.add(Code.CLOCK_BACK, "it jumped", sequence=number)
    assert (len(findings.kept), findings.hidden) == (SHOWN_LIMIT, {Code.CLOCK_BACK: 5})


def test_neighbours_are_one_finding_and_a_gap_begins_another() -> None:
    findings = Findings()
    for index in (7, 8, 9, 8, 1000, 1001, 10):
        findings.add(Code.TILE_MISSING, "it is gone", tile_path(0, index))
        findings.add(Code.TILE_MISSING, "it is gone", tile_path(1, index))
    for sequence in (5, 6, 8):
        findings.add(Code.RECORD_ALTERED, "it is another", "records/0.seg", sequence=sequence)
    assert [(one.code, one.file, one.sequence, one.count, one.last) for one in findings.kept] == [
        ("tile_missing", "tile/0/007", None, 4, "tile/0/010"),
        ("tile_missing", "tile/1/007", None, 4, "tile/1/010"),
        ("tile_missing", "tile/0/x001/000", None, 2, "tile/0/x001/001"),
        ("tile_missing", "tile/1/x001/000", None, 2, "tile/1/x001/001"),
        ("record_altered", "records/0.seg", 5, 2, "record 6, records/0.seg"),
        ("record_altered", "records/0.seg", 8, 1, None),
    ]


def test_what_names_more_than_its_place_stays_alone() -> None:
    findings = Findings()
    for sequence in (5, 6):
        findings.add(Code.OUTCOME_ALONE, f"an OUTCOME of {sequence}", sequence=sequence)
    for width in (10, 20):
        findings.add(Code.TILE_DAMAGED, "its hashes differ", tile_path(0, 5, width))
    findings.add(Code.TILE_UNEXPECTED, "it has a name that is no tile's", "tile/0/5")
    assert [one.count for one in findings.kept] == [1, 1, 1, 1, 1]


def test_foreign_words_are_made_printable_and_cut() -> None:
    findings = Findings()
    findings.add(Code.FILE_UNKNOWN, "\x1b[2Jholds" + "x" * WHAT_LIMIT_CHARS, "tile/\x9b\udcff")
    (found,) = findings.kept
    assert (found.what[:12], len(found.what), found.file) == (
        r"\x1b[2Jholds",
        WHAT_LIMIT_CHARS + 3,
        r"tile/\x9b\udcff",
    )


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
