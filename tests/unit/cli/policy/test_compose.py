from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.policy.compose import GENERATED_PATH, compose, load_modules
from tests.unit.authoring.policies import written
from tests.unit.cli.policy.calls import policy

if TYPE_CHECKING:
    from pathlib import Path


def test_it_writes_what_joins_the_guards(root: Path) -> None:
    shown = policy("compose", root)
    assert (shown.exit_code, shown.output) == (0, f"{root / GENERATED_PATH}: 9 guards\n")
    assert (root / GENERATED_PATH).read_text() == compose(load_modules(root)).text


def test_checking_writes_nothing(root: Path) -> None:
    shown = policy("compose", root, "--check")
    assert (shown.exit_code, "is out of date: run sidecar policy compose" in shown.stderr) == (1, True)
    assert not (root / GENERATED_PATH).exists()
    policy("compose", root)
    assert policy("compose", root, "--check").exit_code == 0


def test_guards_that_do_not_compose_are_told_and_nothing_is_written(root: Path) -> None:
    written(root, **{"x.rego": "package x\n"})
    shown = policy("compose", root)
    assert (shown.exit_code, "x.rego: package x is neither" in shown.stderr) == (1, True)
    assert not (root / GENERATED_PATH).exists()
