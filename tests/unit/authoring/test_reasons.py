from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.authoring.reasons import check_reasons
from tests.unit.authoring.policies import GUARD, modules

if TYPE_CHECKING:
    from pathlib import Path

PASSES_ON = "\nviolation contains one if some one in data.lib.days.violation\n"
LIBRARY = """\
package lib.days

violation contains {"code": code_free, "message": "m"} if code_free := "x"

violation contains holiday if input.holiday

holiday := {"code": "holiday", "message": "m"}

unused := {"code": "never", "message": "m"}
"""


def found(folder: Path, **files: str) -> list[tuple[str, int, str]]:
    return [(one.file, one.row, one.message) for one in check_reasons(modules(folder, **files))]


def test_a_guard_that_documents_what_it_gives_is_good(tmp_path: Path) -> None:
    assert found(tmp_path, **{"g.rego": GUARD}) == []


def test_a_code_that_is_not_documented(tmp_path: Path) -> None:
    text = GUARD.replace('"code": "sunday"', '"code": "holiday"')
    assert found(tmp_path, **{"g.rego": text}) == [
        ("g.rego", 21, "holiday is not in custom.reasons of guards.weekdays.request"),
        ("g.rego", 7, "guards.weekdays.request documents sunday, and gives it nowhere"),
    ]


def test_a_code_that_is_not_a_policys_to_give(tmp_path: Path) -> None:
    assert found(tmp_path, **{"g.rego": GUARD.replace("sunday]", "Sunday]").replace('"sunday"', '"Sunday"')}) == [
        ("g.rego", 21, "Sunday is not a policy's to give: the call would be refused as policy_malformed"),
    ]
    [(_, _, told)] = found(
        tmp_path, **{"g.rego": GUARD.replace("[sunday]", "[overloaded]").replace('"sunday"', '"overloaded"')}
    )
    assert told.startswith("overloaded is not a policy's to give")


def test_what_a_library_says_for_it_is_followed_as_far_as_it_is_used(tmp_path: Path) -> None:
    assert found(tmp_path, **{"g.rego": GUARD + PASSES_ON, "l.rego": LIBRARY}) == [
        ("l.rego", 7, "holiday is not in custom.reasons of guards.weekdays.request"),
        ("l.rego", 3, "guards.weekdays.request gives a code that is computed"),
    ]


def test_by_an_import_too(tmp_path: Path) -> None:
    text = GUARD.replace("request\n\n", "request\n\nimport data.lib.days as d\n\n", 1)
    text += "\nviolation contains d.holiday if input.holiday\n"
    assert found(tmp_path, **{"g.rego": text, "l.rego": LIBRARY}) == [
        ("l.rego", 7, "holiday is not in custom.reasons of guards.weekdays.request"),
    ]


def test_what_another_guard_says_is_documented_there(tmp_path: Path) -> None:
    other = GUARD.replace("weekdays", "other").replace("sunday", "monday")
    text = GUARD + "\nviolation contains one if some one in data.guards.other.request.violation\n"
    assert found(tmp_path, **{"g.rego": text, "o.rego": other}) == []


def test_the_files_of_one_guard_are_judged_together(tmp_path: Path) -> None:
    more = (
        'package guards.weekdays.request\n\nviolation contains {"code": "holiday", "message": "m"} if input.holiday\n'
    )
    assert found(tmp_path, **{"g.rego": GUARD.replace("[sunday]", "[sunday, holiday]", 1), "h.rego": more}) == []
