from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.authoring.findings import Finding
from sidecar.authoring.rego_tests import RegoTests, run_tests
from sidecar.authoring.workspace import laid_out
from tests.unit.authoring.policies import GUARD_FILE, TEST, TEST_FILE, opa, small_policy

if TYPE_CHECKING:
    from pathlib import Path


def ran(root: Path, least_percent: float) -> RegoTests:
    with laid_out(root) as work:
        return run_tests(opa(), work, least_percent)


def test_tests_that_hold(tmp_path: Path) -> None:
    found = ran(small_policy(tmp_path / "policy"), 0)
    assert (found.tests, found.findings) == (2, ())
    assert found.coverage_percent is not None
    assert 0 < found.coverage_percent < 50  # no test reaches the shipped rules here


def test_none_at_all_are_a_finding(tmp_path: Path) -> None:
    root = small_policy(tmp_path / "policy")
    (root / TEST_FILE).unlink()
    remedy = "write tests in files that end in _test.rego"
    assert ran(root, 0) == RegoTests(0, None, (Finding("tests", "there are none", remedy=remedy),))


def test_each_that_fails_is_told_with_its_place_and_its_cases(tmp_path: Path) -> None:
    more = '\ntest_never if false\n\ntest_each[day] if {\n\tsome day in ["fri", "sat"]\n\tday == "fri"\n}\n'
    found = ran(small_policy(tmp_path / "policy", test=TEST + more), 0)
    assert found == RegoTests(
        4,
        None,
        (
            Finding("tests", "test_never fails", TEST_FILE, 15),
            Finding("tests", "test_each fails for sat", TEST_FILE, 17),
        ),
    )


def test_one_that_is_skipped_is_a_notice(tmp_path: Path) -> None:
    found = ran(small_policy(tmp_path / "policy", test=TEST + "\ntodo_test_later if true\n"), 0)
    [notice] = found.findings
    assert (notice.message, notice.row, notice.is_notice) == ("todo_test_later is skipped", 15, True)


def test_those_that_do_not_run_are_one_finding(tmp_path: Path) -> None:
    found = ran(small_policy(tmp_path / "policy", test="package x\n\np := q\n"), 0)
    assert (found.tests, found.coverage_percent, len(found.findings)) == (0, None, 1)
    assert "var q is unsafe" in found.findings[0].message


def test_lines_that_no_test_reaches_are_told_where_too_few_are_reached(tmp_path: Path) -> None:
    one_sided = TEST.partition("test_denies")[0]
    found = ran(small_policy(tmp_path / "policy", test=one_sided), 100)
    own = [one.row for one in found.findings if one.file == GUARD_FILE]
    assert own == [12, 21, 22]
    assert not [one for one in found.findings if one.file.startswith("sidecar/")]
    [total] = [one for one in found.findings if not one.file]
    assert total.message.startswith("the tests reach ")
    assert total.message.endswith(" % of the policy's lines, less than 100 %")
