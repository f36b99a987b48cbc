from __future__ import annotations

import pytest

from sidecar.authoring.findings import REMEDIES, Finding, in_order, placed


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        ("guards/a.rego:3: what", Finding("compile", "what", "guards/a.rego", 3)),
        ("guards/a.rego:3:14: what", Finding("compile", "what", "guards/a.rego", 3)),
        ("guards/a.rego: what: ever", Finding("compile", "what: ever", "guards/a.rego")),
        ("guards.a.request: lacks it", Finding("compile", "guards.a.request: lacks it")),
        ("no *.rego file found", Finding("compile", "no *.rego file found")),
    ],
)
def test_a_problem_of_another_room_finds_its_place(problem: str, expected: Finding) -> None:
    assert placed("compile", problem) == expected


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Finding("tests", "there are none", remedy="write some"), "tests: there are none; write some"),
        (Finding("tests", "fails", "a.rego", remedy="mend it"), "a.rego: tests: fails; mend it"),
        (Finding("tests", "fails", "a.rego", 7, "mend it"), "a.rego:7: tests: fails; mend it"),
    ],
)
def test_in_words_each_names_its_place_and_its_remedy(finding: Finding, text: str) -> None:
    assert finding.as_text() == text


def test_without_a_remedy_of_its_own_it_has_its_checks() -> None:
    assert Finding("format", "is not", "a.rego").as_json() == {
        "check": "format",
        "file": "a.rego",
        "row": 0,
        "message": "is not",
        "remedy": REMEDIES["format"],
    }


def test_they_stand_by_place_and_once() -> None:
    second, first, without = (
        Finding("tests", "b", "a.rego", 9),
        Finding("tests", "b", "a.rego", 2),
        Finding("tests", "c"),
    )
    assert in_order([second, first, without, first]) == (without, first, second)
