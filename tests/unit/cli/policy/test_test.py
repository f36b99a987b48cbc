from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.unit.authoring.policies import GUARD, GUARD_FILE, TEST, TEST_FILE, written
from tests.unit.cli.policy.calls import policy

if TYPE_CHECKING:
    from pathlib import Path


def test_what_runs_is_looked_at_alone(root: Path) -> None:
    written(root, **{GUARD_FILE: GUARD.replace("#   control: OPS-2\n", "")})
    assert policy("test", root, "--coverage", 0).exit_code == 0


def test_a_test_that_fails_is_a_finding(root: Path) -> None:
    written(root, **{TEST_FILE: TEST + "\ntest_never if false\n"})
    shown = policy("test", root, "--coverage", 0)
    assert shown.exit_code == 1
    assert f"{root}/{TEST_FILE}:15: tests: test_never fails; run `opa test` for its trace\n" in shown.output


def test_vectors_can_be_named(root: Path, tmp_path: Path) -> None:
    base = {"data": {}, "request": {}, "response": {}}
    vector = {"name": "allows", "input": {"base": "request"}, "expected": {"allow": True}}
    written(tmp_path / "mine", **{"base.json": json.dumps(base), "a.json": json.dumps([vector])})
    shown = policy("test", root, "--coverage", 0, "--vectors", tmp_path / "mine", "--json")
    report = json.loads(shown.stdout)
    assert (shown.exit_code, report["vectors"]) == (1, {"opa": 1, "embedded": 1})
    assert {one["check"] for one in report["findings"]} == {"vectors"}
