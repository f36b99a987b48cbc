from __future__ import annotations

from dataclasses import replace

from sidecar.evidence.findings import Code, Finding
from sidecar.evidence.report import Report

NOTICE = Finding(Code.TORN_TAIL, "it is")
PROBLEM = Finding(Code.RECORDS_MISSING, "they are")
REPORT = Report(
    folder="audit/0/ledger",
    log_id="a" * 32,
    keys=["origin+id+key"],
    size=2,
    root=b"\1" * 32,
    first=0,
    records=2,
    last_unix_ns=7,
    read_bytes=300,
    findings=(NOTICE,),
    hidden={Code.TORN_TAIL: 3},
)


def test_a_log_holds_with_notices_and_not_with_problems() -> None:
    assert (REPORT.holds, REPORT.problems, REPORT.notices) == (True, [], [NOTICE])
    broken = replace(REPORT, findings=(NOTICE, PROBLEM))
    assert (broken.holds, broken.problems, broken.notices) == (False, [PROBLEM], [NOTICE])


def test_each_kind_of_problem_is_counted_listed_or_not() -> None:
    tiles = Finding(Code.TILE_MISSING, "it is", "tile/0/000", count=142, last="tile/0/141")
    report = replace(REPORT, findings=(NOTICE, tiles, PROBLEM, PROBLEM), hidden={Code.TORN_TAIL: 3, PROBLEM.code: 7})
    assert report.problem_counts == {Code.TILE_MISSING: 142, Code.RECORDS_MISSING: 9}
    assert REPORT.problem_counts == {}


def test_a_report_for_machines() -> None:
    assert REPORT.as_json() == {
        "folder": "audit/0/ledger",
        "holds": True,
        "log": "a" * 32,
        "keys": ["origin+id+key"],
        "checkpoint": {"size": 2, "root": "01" * 32},
        "first": 0,
        "records": 2,
        "last_unix_ns": 7,
        "findings": [NOTICE.as_json()],
        "hidden": {"torn_tail": 3},
    }
    assert replace(REPORT, size=None, root=None).as_json()["checkpoint"] is None
