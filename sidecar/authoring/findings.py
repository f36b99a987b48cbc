"""What is wrong with a policy, each with its place and its remedy: the one form in which every check tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REMEDIES: Mapping[str, str] = {
    "composition": "docs/writing-policies.md says what a policy's files may be",
    "generated": "run `sidecar policy compose`",
    "format": "run `opa fmt --write`",
    "compile": "OPA must accept the module, with the builtins of docs/writing-policies.md alone",
    "data": 'docs/writing-policies.md, "Where limits live"',
    "metadata": "add it to the METADATA comment above, as rego/guards has it",
    "reasons": "list each code in custom.reasons of the guard's package METADATA",
    "tests": "run `opa test` for its trace",
    "coverage": "add a test that reaches the line, or lower --coverage",
    "vectors": "mend the rule, or the vector where it says what must no longer be so",
    "bundle": 'docs/policy-lifecycle.md, "Bundle", says what is in one',
}
"""Each check by its name, with what to do where a finding says nothing better."""

_PLACE = re.compile(r"(?P<file>\S+\.rego):(?:(?P<row>\d+):(?:\d+:)?)? (?P<message>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """`file`: below the policy's root, empty where none is to blame; `row`: from 1, 0 where the whole file is.

    A notice is a finding with which the policy is good all the same.
    """

    check: str
    message: str
    file: str = ""
    row: int = 0
    remedy: str = ""
    is_notice: bool = False

    def as_text(self) -> str:
        """For a terminal, and for editors that follow `file:line:`."""
        place = f"{self.file}:{self.row}: " if self.row else f"{self.file}: " if self.file else ""
        return f"{place}{self.check}: {self.message}; {self.what_to_do}"

    @property
    def what_to_do(self) -> str:
        """The remedy: its own, or that of its check."""
        return self.remedy or REMEDIES[self.check]

    def as_json(self) -> dict[str, str | int]:
        """For machines."""
        return {
            "check": self.check,
            "file": self.file,
            "row": self.row,
            "message": self.message,
            "remedy": self.what_to_do,
        }


def placed(check: str, problem: str) -> Finding:
    """A problem as other rooms tell it: `file.rego:3: what`, perhaps with a column, `file.rego: what`, or no place."""
    match = _PLACE.fullmatch(problem)
    if match is None:
        return Finding(check, problem)
    return Finding(check, match["message"], match["file"], int(match["row"] or 0))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Without repeats, by place."""
    return tuple(sorted(set(findings), key=lambda one: (one.file, one.row, one.check, one.message)))
