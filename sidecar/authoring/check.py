"""All that can be said of a policy before any engine has it: every problem at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.authoring.asking import Embedded, ask_all, has_embedded, opa_daemon
from sidecar.authoring.findings import Finding, in_order, placed
from sidecar.authoring.metadata import check_metadata
from sidecar.authoring.reasons import check_reasons
from sidecar.authoring.rego_tests import COVERAGE_PERCENT, run_tests
from sidecar.authoring.syntax import module_of
from sidecar.authoring.vectors import read_vectors
from sidecar.authoring.workspace import laid_out
from sidecar.policy.compose import GENERATED_PATH
from sidecar.policy.data_document import check_data, check_fallbacks
from sidecar.policy.examine import absent_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.authoring.opa import Opa
    from sidecar.authoring.workspace import Workspace

VECTORS = "vectors"
"""The folder beside the policy's. In it OPA would take them for data."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at beside the rules. `vectors` None: the folder `vectors` beside the policy, where there is one."""

    data: Path | None = None
    vectors: Path | None = None
    least_percent: float = COVERAGE_PERCENT


@dataclass(slots=True)
class Report:
    """What was looked at, and what was found. Files in findings are as a shell in the working directory names them."""

    findings: tuple[Finding, ...] = ()
    guards: tuple[str, ...] = ()
    files: int = 0
    tests: int = 0
    coverage_percent: float | None = None
    vectors: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Findings that are no notices."""
        return tuple(one for one in self.findings if not one.is_notice)

    def as_json(self) -> dict[str, Any]:
        """One document, for machines."""
        return {
            "findings": [one.as_json() for one in self.problems],
            "notices": [one.as_json() for one in self.findings if one.is_notice],
            "guards": list(self.guards),
            "files": self.files,
            "tests": self.tests,
            "coverage_percent": self.coverage_percent,
            "vectors": self.vectors,
        }


def check(root: Path, wanted: Wanted, opa: Opa) -> Report:
    """Composition, format, compilation, METADATA, reasons, data, and all that `exercise` does. Raises OSError."""
    return _look(root, wanted, opa, statically=True)


def exercise(root: Path, wanted: Wanted, opa: Opa) -> Report:
    """What runs: tests, coverage, vectors; and whatever keeps them from running."""
    return _look(root, wanted, opa, statically=False)


def _look(root: Path, wanted: Wanted, opa: Opa, *, statically: bool) -> Report:
    report = Report()
    with laid_out(root) as work:
        report.guards, report.files = tuple(work.composition.guards), len(work.written)
        found = [*_composition(work), *_compiled(work, opa)]
        runs = not any(one.check == "compile" for one in found)
        if statically:
            found += [*_static(work, opa), *_data(work, wanted)]
        found = [_from_here(one, root) for one in found]
        found += _run(work, wanted, opa, report) if runs else [_NOT_RUN]
    report.findings = in_order(found)
    return report


_NOT_RUN = Finding(
    "tests", "neither tests nor vectors were run", remedy="first mend what does not compile", is_notice=True
)


def _from_here(finding: Finding, root: Path) -> Finding:
    return replace(finding, file=str(root / finding.file)) if finding.file.endswith(".rego") else finding


def _composition(work: Workspace) -> Iterator[Finding]:
    for problem in work.composition.problems:
        yield placed("composition", problem)
    remedy = "restore it (`sidecar policy init` writes all of them): its mode is the data's matter"
    for problem in absent_problems(work.composition):
        yield Finding("composition", problem, remedy=remedy)


def _compiled(work: Workspace, opa: Opa) -> Iterator[Finding]:
    yield from opa.compiled(work.decided, restricted=True)
    if work.modules.tests:
        yield from opa.compiled(work.tested, restricted=False)


def _static(work: Workspace, opa: Opa) -> Iterator[Finding]:
    if work.generated_is_stale:
        yield Finding("generated", "is out of date", GENERATED_PATH)
    trees = opa.trees(work.tested, work.written)
    yield from opa.unformatted(work.tested, list(trees))
    modules = [module_of(file, tree) for file, tree in trees.items() if file in work.composition.policies]
    yield from check_metadata(modules)
    yield from check_reasons(modules)


def _data(work: Workspace, wanted: Wanted) -> Iterator[Finding]:
    if wanted.data is None:
        return
    try:
        document: object = orjson.loads(wanted.data.read_bytes())
    except ValueError as error:
        yield Finding("data", f"is no JSON: {error}", str(wanted.data), getattr(error, "lineno", 0))
        return
    computing = work.composition.fallbacks
    for problem in [*check_data(document, work.composition.guards), *check_fallbacks(document, computing)]:
        yield Finding("data", problem, str(wanted.data))


def _run(work: Workspace, wanted: Wanted, opa: Opa, report: Report) -> list[Finding]:
    tested = run_tests(opa, work, wanted.least_percent)
    report.tests, report.coverage_percent = tested.tests, tested.coverage_percent
    findings = [_from_here(one, work.root) for one in tested.findings]
    folder = wanted.vectors or _beside(work.root)
    if wanted.vectors is None and not folder.is_dir():
        told = f"there is no folder {VECTORS} beside {work.root}"
        return [
            *findings,
            Finding("vectors", told, remedy="add decision vectors, or name them by --vectors", is_notice=True),
        ]
    return [*findings, *_vectors(work, folder, opa, report)]


def _beside(root: Path) -> Path:
    """The vectors' folder, as a shell in the working directory names it."""
    return Path(os.path.relpath(root.absolute().parent / VECTORS))


def _vectors(work: Workspace, folder: Path, opa: Opa, report: Report) -> Iterator[Finding]:
    found = read_vectors(folder)
    yield from found.findings
    modules = work.composition.policies
    with opa_daemon(opa.binary) as daemon:
        yield from ask_all(daemon, modules, found.vectors)
    report.vectors["opa"] = len(found.vectors)
    if has_embedded():
        yield from ask_all(Embedded(), modules, found.vectors)
        report.vectors["embedded"] = len(found.vectors)
    else:
        yield Finding(
            *("vectors", "the embedded engine is not installed: vectors were asked of OPA alone"),
            remedy="pip install model-policy-sidecar[embedded]",
            is_notice=True,
        )
