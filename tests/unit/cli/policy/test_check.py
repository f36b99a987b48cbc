from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.policies import DATA
from tests.unit.authoring.policies import GUARD, GUARD_FILE, written
from tests.unit.cli.policy.calls import policy

if TYPE_CHECKING:
    from pathlib import Path


def test_a_good_policy(root: Path) -> None:
    shown = policy("check", root, "--coverage", 0)
    assert shown.exit_code == 0
    notice, good = shown.output.splitlines()
    assert notice.startswith("notice: vectors: there is no folder vectors beside ")
    assert good.startswith("good: ")
    assert ", 9 guards, 2 tests, which reach " in good


def test_findings_are_told_with_their_place_and_remedy(root: Path) -> None:
    written(root, **{GUARD_FILE: GUARD.replace("#   control: OPS-2\n", "")})
    shown = policy("check", root, "--coverage", 0)
    assert shown.exit_code == 1
    assert (
        f"{root}/{GUARD_FILE}:6: metadata: guard guards.weekdays.request has no custom.control; "
        "add it to the METADATA comment above, as rego/guards has it\n"
    ) in shown.output
    assert "\n1 findings: " in shown.output


def test_for_a_machine(root: Path, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps({**DATA, "more": 1}))
    shown = policy("check", root, "--data", tmp_path / "data.json", "--coverage", 0, "--json")
    report = json.loads(shown.stdout)
    assert (shown.exit_code, [one["check"] for one in report["findings"]]) == (1, ["data"])


def test_the_least_coverage_can_be_named_and_is_all_of_it(root: Path) -> None:
    shown = policy("check", root)
    assert (shown.exit_code, "less than 100 %" in shown.output) == (1, True)
    assert policy("check", root, "--coverage", 101).exit_code == 2


def test_a_folder_that_is_not_there_is_bad_usage(tmp_path: Path) -> None:
    assert policy("check", tmp_path / "nowhere").exit_code == 2
