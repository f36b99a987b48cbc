"""Which records count: those of logs that verify, under their newest checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sidecar.evidence.folders import LogFolder
    from sidecar.evidence.log import AuditLog
    from sidecar.evidence.report import Report
    from sidecar.registry.values import Json


class NotVerified(Exception):
    """A log does not hold, or nothing of it is signed. `problems`: a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log that holds. Its records from `first` up to `end` are here, and are among the `size` under `root`."""

    folder: LogFolder
    log_id: str
    first: int
    end: int
    size: int
    root: bytes

    def as_json(self) -> Json:
        """As evidence: whoever has a copy can tell whether it is this log."""
        return {
            "log": self.log_id,
            "first": self.first,
            "end": self.end,
            "tree_size": self.size,
            "root_sha256": self.root.hex(),
        }


def verified(
    logs: Iterable[AuditLog], tick: Callable[[int, int], None] = lambda _done, _total: None
) -> list[VerifiedLog]:
    """Verifies every byte of each log. Raises NotVerified with all that is wrong, and as `AuditLog.verify`.

    A folder that is given twice counts once; of a log and a copy of it, both are verified.
    """
    found: dict[str, tuple[LogFolder, Report]] = {}
    for log in logs:
        for folder, report in zip(log.folders, log.verify(tick=tick), strict=True):
            found[str(folder.path.resolve())] = folder, report
    problems = [problem for _, report in found.values() for problem in _problems(report)]
    if problems:
        raise NotVerified(problems)
    return [_verified(folder, report) for folder, report in found.values()]


def _problems(report: Report) -> list[str]:
    if not report.holds:
        kinds = ", ".join(f"{count:,} {code}" for code, count in report.problem_counts.items())
        return [f"the log in {report.folder} does not hold: {kinds}; `sidecar audit verify` tells more"]
    if report.size is None or report.root is None or report.log_id is None:
        return [f"the log in {report.folder} has no checkpoint that its records can be checked by"]
    return []


def _verified(folder: LogFolder, report: Report) -> VerifiedLog:
    if report.size is None or report.root is None or report.log_id is None:
        raise NotVerified(_problems(report))
    end = min(report.size, report.first + report.records)  # what is newer than the checkpoint is not proven yet
    return VerifiedLog(folder, report.log_id, report.first, end, report.size, report.root)
