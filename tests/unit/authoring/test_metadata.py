from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.authoring.metadata import check_metadata
from tests.unit.authoring.policies import GUARD, modules

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = """\
# METADATA
# title: Days
# description: Which day it is.
package lib.days

# METADATA
# title: Sunday
# description: Whether it is one.
is_sunday if is_day(0)

is_day(number) if input.day == number
"""


def found(folder: Path, **files: str) -> list[tuple[str, int, str]]:
    return [(one.file, one.row, one.message) for one in check_metadata(modules(folder, **files))]


def test_a_guard_that_says_all_is_good(tmp_path: Path) -> None:
    assert found(tmp_path, **{"g.rego": GUARD}) == []


def test_a_guard_that_says_nothing(tmp_path: Path) -> None:
    bare = "\n".join(line for line in GUARD.splitlines() if not line.startswith("#"))
    assert found(tmp_path, **{"g.rego": bare}) == [
        ("g.rego", 1, "package guards.weekdays.request has no title"),
        ("g.rego", 1, "package guards.weekdays.request has no description"),
        ("g.rego", 1, "guard guards.weekdays.request has no custom.control"),
        ("g.rego", 3, "rule pass has no title"),
        ("g.rego", 3, "rule pass has no description"),
        ("g.rego", 7, "rule violation has no title"),
        ("g.rego", 7, "rule violation has no description"),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("# title: Weekdays\n", (6, "package guards.weekdays.request has no title")),
        ("# description: Models rest on Sundays.\n", (6, "package guards.weekdays.request has no description")),
        ("#   control: OPS-2\n", (6, "guard guards.weekdays.request has no custom.control")),
        ("# description: It is none.\n", (11, "rule pass has no description")),
        ("# title: Sunday\n", (20, "rule violation has no title")),
    ],
)
def test_each_thing_that_is_not_said_is_told(line: str, expected: tuple[int, str], tmp_path: Path) -> None:
    assert found(tmp_path, **{"g.rego": GUARD.replace(line, "", 1)}) == [("g.rego", *expected)]


def test_each_violation_names_its_own_code(tmp_path: Path) -> None:
    other = GUARD + '\nviolation contains {"code": "holiday", "message": "it is one"} if input.holiday\n'
    assert found(tmp_path, **{"g.rego": other}) == [
        ("g.rego", 25, "rule violation has no title"),
        ("g.rego", 25, "rule violation has no description"),
        ("g.rego", 25, "violation gives holiday, and its custom.reasons does not name it"),
    ]


def test_one_that_passes_on_what_a_library_says_needs_none(tmp_path: Path) -> None:
    other = GUARD + "\nviolation contains one if some one in data.lib.days.violation\n"
    assert found(tmp_path, **{"g.rego": other}) == []


def test_of_a_library_what_others_refer_to_is_told_and_helpers_need_nothing(tmp_path: Path) -> None:
    user = GUARD.replace(".sunday == true", ".sunday == true\n\tdata.lib.days.is_sunday")
    assert found(tmp_path, **{"g.rego": user, "l.rego": LIBRARY}) == []
    user = GUARD.replace(".sunday == true", ".sunday == true\n\tdata.lib.days.is_day(0)")
    assert found(tmp_path, **{"g.rego": user, "l.rego": LIBRARY}) == [
        ("l.rego", 11, "rule is_day has no title"),
        ("l.rego", 11, "rule is_day has no description"),
    ]


def test_a_reference_by_an_import_counts_too(tmp_path: Path) -> None:
    user = GUARD.replace("request\n\n", "request\n\nimport data.lib.days as d\n\n", 1)
    user = user.replace(".sunday == true", ".sunday == true\n\td.is_day(0)")
    assert len(found(tmp_path, **{"g.rego": user, "l.rego": LIBRARY})) == 2
