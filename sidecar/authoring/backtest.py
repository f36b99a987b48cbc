"""Recorded inputs judged by a candidate, and whether it may let pass what was refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.evidence.folders import find_logs
from sidecar.evidence.replay import Change, policies, replay_all
from sidecar.policy.bundle import Bundle, content_revision
from sidecar.policy.data_document import check_data
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sidecar.evidence.replay import Changed, Report, Span

RULES_SEPARATOR = ", "
"""Between the rules that a difference names."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Differences from deny to allow that are meant: those of a rule, of one model where one is named."""

    rule: str
    model: str | None

    @classmethod
    def parse(cls, text: str) -> Allowance:
        """From `RULE` or `RULE@MODEL`; raises ValueError."""
        rule, separator, model = text.partition("@")
        if not rule or (separator and not model):
            raise ValueError(f"{text!r} is not RULE or RULE@MODEL")
        return cls(rule, model or None)

    def covers(self, rule: str, model: str) -> bool:
        """Whether it is meant."""
        return rule == self.rule and self.model in (None, model)

    def __str__(self) -> str:
        return self.rule if self.model is None else f"{self.rule}@{self.model}"


@dataclass(frozen=True, slots=True)
class Backtest:
    """`unallowed`: rows from deny to allow, with a rule not allowed by name; `unused`: what allows nothing."""

    report: Report
    unallowed: tuple[Changed, ...]
    unused: tuple[Allowance, ...]

    @property
    def is_good(self) -> bool:
        """Nothing is let pass that was refused, unless it is meant; and not only because nothing was replayed."""
        return not self.unallowed and self.report.replayed > 0

    def as_json(self) -> dict[str, Any]:
        """One document, for machines: the replay's, and what of it is not allowed."""
        return {
            **self.report.as_json(),
            "unallowed": [
                {"rule": row.rule, "model": row.model, "group": row.group, "count": row.count} for row in self.unallowed
            ],
            "unused_allowances": [str(one) for one in self.unused],
        }


def backtest(
    candidate: Bundle,
    folders: Sequence[Path],
    allowed: Sequence[Allowance],
    *,
    base: Bundle | None = None,
    span: Span,
    engine: str = "auto",
    advance: Callable[[int], None] = lambda records: None,
) -> Backtest:
    """Replays the logs in these folders into one report. With a `base`, what it refuses and the candidate lets
    pass is what must be allowed: give both the same data, and only their rules differ.

    Raises what `replay_all` raises, and ValueError for a log that is named twice, whose decisions would count twice.
    """
    logs = Counter(log.path.resolve() for folder in folders for log in find_logs(folder))
    if twice := [str(path) for path, count in logs.items() if count > 1]:
        raise ValueError(f"{', '.join(twice)}: named twice")
    report = replay_all(folders, candidate, base=base, span=span, engine=engine, advance=advance)
    let_pass = [row for row in report.changed if row.change is Change.DENY_TO_ALLOW]
    unallowed = [row for row in let_pass if not _is_allowed(row, allowed)]
    return Backtest(report, tuple(unallowed), tuple(one for one in allowed if not _is_used(one, let_pass)))


def candidate_of(policy: Path, data: bytes | None) -> Bundle:
    """A candidate from a folder of Rego or a bundle, with this data document or with its own.

    Raises `PolicyProblems`; also where there is no data at all, with which every call would be refused.
    """
    own = policies.candidate_of(policy)
    if data is None:
        if orjson.loads(own.data_json) == {}:
            raise PolicyProblems([f"{policy} has no data of its own: give --data FILE or --registry URL"])
        return own
    data_json = _checked(data)
    if own.revision == content_revision(own.modules, own.data_json):  # it has no name that its author gave
        return Bundle(content_revision(own.modules, data_json), own.modules, data_json, ())
    return Bundle(own.revision, own.modules, data_json, ())


def _checked(data: bytes) -> bytes:
    try:
        document = orjson.loads(data)
    except ValueError as error:
        raise PolicyProblems([f"the data is no JSON: {error}"]) from None
    if problems := check_data(document):
        raise PolicyProblems([f"the data: {problem}" for problem in problems])
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def _is_allowed(row: Changed, allowed: Sequence[Allowance]) -> bool:
    """Whether each rule that refused then is meant to let pass now."""
    return all(any(one.covers(rule, row.model) for one in allowed) for rule in row.rule.split(RULES_SEPARATOR))


def _is_used(one: Allowance, rows: Sequence[Changed]) -> bool:
    return any(one.covers(rule, row.model) for row in rows for rule in row.rule.split(RULES_SEPARATOR))
