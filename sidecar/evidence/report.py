"""What verifying one log came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.evidence.findings import Code, Finding


@dataclass(frozen=True, slots=True)
class Report:
    """One log. `hidden` counts findings of each code that are not listed; times are those of records."""

    folder: str
    log_id: str | None
    keys: Sequence[str]
    size: int | None
    root: bytes | None
    first: int
    records: int
    last_unix_ns: int | None
    read_bytes: int
    findings: Sequence[Finding]
    hidden: Mapping[Code, int]

    @property
    def holds(self) -> bool:
        """Nothing was found but notices."""
        return all(finding.is_notice for finding in self.findings)

    @property
    def problems(self) -> list[Finding]:
        """Why the log does not hold."""
        return [finding for finding in self.findings if not finding.is_notice]

    @property
    def problem_counts(self) -> dict[Code, int]:
        """Of each code how often it was found, listed or not; notices are left out."""
        counts: dict[Code, int] = {}
        for finding in self.problems:
            counts[finding.code] = counts.get(finding.code, self.hidden.get(finding.code, 0)) + finding.count
        return counts

    @property
    def notices(self) -> list[Finding]:
        """What is worth knowing."""
        return [finding for finding in self.findings if finding.is_notice]

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "folder": self.folder,
            "holds": self.holds,
            "log": self.log_id,
            "keys": list(self.keys),
            "checkpoint": {"size": self.size, "root": self.root.hex()} if self.root is not None else None,
            "first": self.first,
            "records": self.records,
            "last_unix_ns": self.last_unix_ns,
            "findings": [finding.as_json() for finding in self.findings],
            "hidden": {code.value: count for code, count in self.hidden.items()},
        }
