"""Everything that is wrong is told at once; and what the project ships is good."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from sidecar.authoring import asking
from sidecar.authoring import check as room
from sidecar.authoring.check import Wanted, check, exercise
from sidecar.policy.compose import GENERATED_PATH
from tests.conformance import vectors as conformance
from tests.policies import DATA, REGO
from tests.unit.authoring.policies import GUARD, GUARD_FILE, TEST, TEST_FILE, opa, small_policy, written

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from sidecar.authoring.check import Report

CLOCK = "p := time.now_ns()\n"
UNTESTED = Wanted(least_percent=0)


def told(report: Report) -> list[tuple[str, str, int, str]]:
    return [(one.check, one.file, one.row, one.message) for one in report.problems]


def test_the_shipped_rules_are_good_with_every_line_tested() -> None:
    report = check(REGO, Wanted(vectors=conformance.FOLDER), opa())
    assert report.findings == ()
    assert report.coverage_percent == 100
    assert report.tests > 300
    assert report.vectors == dict.fromkeys(["opa", "embedded"], report.vectors["opa"])
    assert report.vectors["opa"] > 300


def test_a_small_policy_is_good_and_says_what_was_not_looked_at(tmp_path: Path) -> None:
    report = check(small_policy(tmp_path / "policy"), UNTESTED, opa())
    assert told(report) == []
    assert [one.message for one in report.findings] == [f"there is no folder vectors beside {tmp_path / 'policy'}"]
    assert (report.tests, report.vectors, "weekdays" in report.guards) == (2, {}, True)


def test_every_problem_at_once_each_with_its_place(tmp_path: Path) -> None:
    root = small_policy(
        tmp_path / "policy", guard=GUARD.replace("#   control: OPS-2\n", "").replace("[sunday]", "[monday]", 1)
    )
    (root / "guards/staleness/request/staleness.rego").unlink()
    written(
        root,
        **{
            "elsewhere.rego": "package elsewhere\n",
            "lib/unformatted/x.rego": "# METADATA\n# title: X\n# description: X.\npackage   lib.unformatted\n",
            "lib/calls/calls.rego": "# METADATA\n# title: X\n# description: X.\npackage lib.calls\n\n" + CLOCK,
            GENERATED_PATH: "package sidecar\n",
        },
    )
    data = tmp_path / "data.json"
    data.write_text(json.dumps({**DATA, "more": 1}))
    report = check(root, Wanted(data, None, 0), opa())
    expected = {
        ("composition", "", 0, "the shipped guard staleness.request is absent, so every call would be refused"),
        ("composition", f"{root}/elsewhere.rego", 0, "package elsewhere is neither under guards nor under lib"),
        ("compile", f"{root}/lib/calls/calls.rego", 6, "undefined function time.now_ns"),
        (
            "data",
            str(data),
            0,
            "more: not accepted as data; only datasets, group_mean, models, objections, revocations are",
        ),
        ("format", f"{root}/lib/unformatted/x.rego", 0, "is not as `opa fmt` writes it"),
        ("generated", f"{root}/{GENERATED_PATH}", 0, "is out of date"),
        ("metadata", f"{root}/elsewhere.rego", 1, "package elsewhere has no title"),
        ("metadata", f"{root}/elsewhere.rego", 1, "package elsewhere has no description"),
        ("metadata", f"{root}/{GUARD_FILE}", 6, "guard guards.weekdays.request has no custom.control"),
        ("reasons", f"{root}/{GUARD_FILE}", 6, "guards.weekdays.request documents monday, and gives it nowhere"),
        ("reasons", f"{root}/{GUARD_FILE}", 20, "sunday is not in custom.reasons of guards.weekdays.request"),
    }
    assert set(told(report)) == expected
    assert [one.message for one in report.findings if one.is_notice] == ["neither tests nor vectors were run"]
    assert all(one.what_to_do for one in report.findings)


def test_a_file_that_does_not_parse_hides_nothing_of_the_others(tmp_path: Path) -> None:
    root = written(
        small_policy(tmp_path / "policy"),
        **{"lib/x/x.rego": "package lib.x\n\ny = {\n", "lib/y/y.rego": "package  lib.y\n"},
    )
    found = told(check(root, UNTESTED, opa()))
    assert ("compile", f"{root}/lib/x/x.rego") in {one[:2] for one in found}
    assert ("format", f"{root}/lib/y/y.rego", 0, "is not as `opa fmt` writes it") in found


def test_a_test_that_does_not_compile_is_told(tmp_path: Path) -> None:
    root = small_policy(tmp_path / "policy", test=TEST + "\ntest_x if y\n")
    assert told(check(root, UNTESTED, opa())) == [("compile", f"{root}/{TEST_FILE}", 15, "var y is unsafe")]


def vectors(folder: Path, **changes: object) -> None:
    base = {"data": {"models": {}}, "request": {"phase": "request"}, "response": {}}
    vector = {"name": "wrong", "input": {"base": "request"}, "expected": {"allow": True}} | changes
    written(folder, **{"base.json": json.dumps(base), "some.json": json.dumps([vector], indent=1)})


def test_vectors_lie_beside_the_policy_and_are_asked_of_both_engines(tmp_path: Path) -> None:
    root = small_policy(tmp_path / "policy")
    vectors(tmp_path / "vectors")
    report = check(root, UNTESTED, opa())
    file = os.path.relpath(tmp_path / "vectors" / "some.json")
    assert [(one.file, one.row, one.message.partition(":")[0]) for one in report.problems] == [
        (file, 3, "wrong, on embedded"),
        (file, 3, "wrong, on opa"),
    ]
    assert report.vectors == {"opa": 1, "embedded": 1}


def test_a_folder_of_vectors_that_is_empty_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors/base.json").write_text('{"data": {}, "request": {}, "response": {}}')
    found = told(check(small_policy(tmp_path / "policy"), UNTESTED, opa()))
    assert [(one[0], one[3]) for one in found] == [("vectors", "holds no vectors")]


def test_without_the_embedded_engine_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "has_embedded", lambda: False)
    assert asking.has_embedded()
    vectors(tmp_path / "vectors", expected={"allow": True, "reasons": [], "ttl_s": 5})
    report = check(small_policy(tmp_path / "policy"), UNTESTED, opa())
    assert report.vectors == {"opa": 1}
    assert [one.message for one in report.findings if one.is_notice] == [
        "the embedded engine is not installed: vectors were asked of OPA alone"
    ]


def test_exercising_looks_at_what_runs_alone(tmp_path: Path) -> None:
    unformatted = GUARD.replace("package ", "package  ").replace("#   control: OPS-2\n", "")
    root = small_policy(tmp_path / "policy", guard=unformatted)
    assert told(exercise(root, UNTESTED, opa())) == []
    assert told(check(root, UNTESTED, opa())) != []
    assert [one[0] for one in told(exercise(root, Wanted(), opa()))][-1] == "coverage"


def test_as_json(tmp_path: Path) -> None:
    root = small_policy(tmp_path / "policy", guard=GUARD.replace("#   control: OPS-2\n", ""))
    shape = check(root, UNTESTED, opa()).as_json()
    assert [one["message"] for one in shape["findings"]] == ["guard guards.weekdays.request has no custom.control"]
    assert len(shape["notices"]) == 1
    assert (shape["tests"], shape["vectors"]) == (2, {})
