from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.authoring.workspace import laid_out
from sidecar.policy.compose import GENERATED_PATH
from tests.unit.authoring.policies import GUARD_FILE, TEST_FILE, small_policy, written

if TYPE_CHECKING:
    from pathlib import Path


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_decides_and_what_tests_lie_apart_and_nothing_else_does(tmp_path: Path) -> None:
    root = written(small_policy(tmp_path / "policy"), **{"data.json": "{}", ".hidden/x.rego": "package x"})
    with laid_out(root) as work:
        assert below(work.decided) == {*work.composition.policies}
        assert below(work.tested) - below(work.decided) == {TEST_FILE}
        assert {GUARD_FILE, GENERATED_PATH} <= below(work.decided)
        assert (work.decided / GENERATED_PATH).read_text() == work.composition.text
        assert GENERATED_PATH not in work.written
        assert TEST_FILE in work.written
        folder = work.decided
    assert not folder.exists()


def test_the_generated_module_is_stale_only_where_there_is_one(tmp_path: Path) -> None:
    root = small_policy(tmp_path / "policy")
    with laid_out(root) as work:
        assert not work.generated_is_stale
        text = work.composition.text
    for there, is_stale in ((text, False), ("package sidecar\n", True)):
        written(root, **{GENERATED_PATH: there})
        with laid_out(root) as work:
            assert work.generated_is_stale is is_stale
