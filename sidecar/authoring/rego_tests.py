"""The policy's own tests, and which lines of it they reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.authoring.findings import Finding
from sidecar.authoring.opa import NotRun
from sidecar.policy.compose import GENERATED_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sidecar.authoring.opa import Json, Opa
    from sidecar.authoring.workspace import Workspace

COVERAGE_PERCENT = 100.0
"""The least that is good where nobody says otherwise: a line that no test reaches is a decision nobody looked at."""


@dataclass(frozen=True, slots=True)
class RegoTests:
    """`coverage_percent`: of the lines that an author writes; None where a test failed."""

    tests: int
    coverage_percent: float | None
    findings: tuple[Finding, ...]


def run_tests(opa: Opa, work: Workspace, least_percent: float) -> RegoTests:
    """Runs all tests; that there are none is a finding."""
    try:
        results = opa.test_results(work.tested)
    except NotRun as error:
        return RegoTests(0, None, (Finding("tests", str(error)),))
    findings = [*_judged(results)]
    if not results:
        findings.append(Finding("tests", "there are none", remedy="write tests in files that end in _test.rego"))
    if any(not one.is_notice for one in findings):
        return RegoTests(len(results), None, tuple(findings))
    percent, uncovered = _coverage(opa.coverage(work.tested))
    if percent < least_percent:
        told = f"the tests reach {percent:.1f} % of the policy's lines, less than {least_percent:g} %"
        findings += [*uncovered, Finding("coverage", told)]
    return RegoTests(len(results), percent, tuple(findings))


def _judged(results: list[Json]) -> Iterator[Finding]:
    for result in sorted(results, key=_place):  # OPA tells tests in no order of its own
        place = _place(result)
        if result.get("skip"):
            yield Finding(
                *("tests", f"{result['name']} is skipped", *place),
                remedy="write it, and drop `todo_` from its name",
                is_notice=True,
            )
        elif result.get("fail") or "error" in result:
            yield Finding("tests", f"{result['name']} fails{_cases(result)}", *place)


def _place(result: Json) -> tuple[str, int]:
    return result["location"]["file"], result["location"]["row"]


def _cases(result: Json) -> str:
    failed = sorted(name for name, case in result.get("sub_results", {}).items() if case.get("fail"))
    return f" for {', '.join(failed)}" if failed else ""


def _coverage(files: Mapping[str, Json]) -> tuple[float, list[Finding]]:
    """Of the generated module nothing counts: its other half is reached by guards that others have."""
    covered = uncovered = 0
    findings: list[Finding] = []
    for file, lines in files.items():
        if file == GENERATED_PATH or file.endswith("_test.rego"):
            continue
        missed = sorted(_rows(lines.get("not_covered", ())))
        covered += len(_rows(lines.get("covered", ())) - set(missed))
        uncovered += len(missed)
        findings += [Finding("coverage", "no test reaches this line", file, row) for row in missed]
    return 100 * covered / max(1, covered + uncovered), findings


def _rows(ranges: list[Json] | tuple[()]) -> set[int]:
    return {row for one in ranges for row in range(one["start"]["row"], one["end"]["row"] + 1)}
