"""How often each rule refused, or would have refused, over a span of time: what a mode's change would bring about.

An exchange counts once for each rule, whichever phase it failed in, at the time when it was first judged.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.audit.heads import kind_of, time_of
from sidecar.audit.port import Kind
from sidecar.audit.records import Result
from sidecar.audit.since import records_since

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sidecar.evidence.replay import Span
    from sidecar.ledger.segments import Damaged

OPEN_LIMIT = 65_536
"""Exchanges whose response decision is to come: more than any sidecar has in flight. Beyond, the oldest go."""
MODELS_LIMIT = 1_000
"""Callers may name models that nobody registered: beyond so many names, the others count as one."""
OTHER_MODELS = "(others)"
NO_MODEL = "-"

Json = dict[str, Any]


@dataclass(slots=True)
class RuleCount:
    """Exchanges that a rule refused, and those that it would have refused in mode `enforce`."""

    refused: int = 0
    would_deny: int = 0


@dataclass(slots=True)
class ModelCount:
    """One model: how many exchanges the policy judged, and what each rule that failed came to."""

    judged: int = 0
    rules: dict[str, RuleCount] = field(default_factory=dict[str, RuleCount])


@dataclass(slots=True)
class WouldDeny:
    """`summarised` counts refusals of a flood, that are not on record singly and so are in no model's count."""

    models: dict[str, ModelCount] = field(default_factory=dict[str, ModelCount])
    summarised: int = 0
    unreadable: int = 0
    damaged: list[Damaged] = field(default_factory=list["Damaged"])

    def of(self, model: str) -> ModelCount:
        """Of a model, from zero where it is new."""
        if model not in self.models and len(self.models) >= MODELS_LIMIT:
            model = OTHER_MODELS
        return self.models.setdefault(model, ModelCount())

    def note(self, damage: Damaged) -> None:
        """Once, though looking for where to begin may have met it before."""
        if not any((known.path, known.offset) == (damage.path, damage.offset) for known in self.damaged):
            self.damaged.append(damage)


def would_deny(ledgers: Iterable[Path], span: Span) -> WouldDeny:
    """Counts over the records of several logs; each is read only as far back as `span` needs. Raises OSError."""
    found = WouldDeny()
    since_unix_ns = span.since_unix_ns or 0
    for ledger_dir in ledgers:
        counting = _Counting(found, span)
        for record in records_since(ledger_dir, since_unix_ns, found.note):
            try:
                counting.take(record)
            except (KeyError, TypeError, ValueError):
                found.unreadable += 1
    return found


@dataclass(slots=True)
class _Open:
    """An exchange that was let in: which rules have counted for it already."""

    model: ModelCount
    told: set[str]


class _Counting:
    """One log's records, in order."""

    def __init__(self, found: WouldDeny, span: Span) -> None:
        self._found = found
        self._span = span
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def take(self, record: bytes) -> None:
        """Raises KeyError, TypeError, ValueError for what is no record."""
        kind = kind_of(record)
        if kind == Kind.OUTCOME:
            self._answered(orjson.loads(record))
        elif kind == Kind.REFUSAL_SUMMARY and time_of(record) in self._span:
            self._found.summarised += cast("Json", orjson.loads(record))["count"]
        elif kind in (Kind.INTENT, Kind.REFUSAL) and time_of(record) in self._span:
            self._asked(orjson.loads(record), is_refused=kind == Kind.REFUSAL)

    def _asked(self, shape: Json, *, is_refused: bool) -> None:
        if shape["input"] is None:
            return  # the policy was not asked
        model = self._found.of(str(shape["input"]["endpoint"]["model"] or NO_MODEL))
        model.judged += 1
        told: set[str] = set()
        _count(model, told, shape["decision"], is_refused=is_refused)
        if not is_refused:
            self._open[shape["decision_id"]] = _Open(model, told)
            if len(self._open) > OPEN_LIMIT:
                self._open.popitem(last=False)

    def _answered(self, shape: Json) -> None:
        opened = self._open.pop(shape["decision_id"], None)
        if opened is not None and shape["decision"] is not None:
            # What was refused and yet released: the whole sidecar was in shadow mode.
            _count(opened.model, opened.told, shape["decision"], is_refused=shape["result"] != Result.RELEASED)


def _count(model: ModelCount, told: set[str], decision: Json, *, is_refused: bool) -> None:
    """The rules that failed in one phase. A reason without a rule is the sidecar's own, and no mode governs it."""
    for reasons, was_refused in ((decision["reasons"], is_refused), (decision["shadow"], False)):
        for rule in {reason["rule"] for reason in reasons if "rule" in reason} - told:
            told.add(rule)
            count = model.rules.setdefault(rule, RuleCount())
            count.refused += was_refused
            count.would_deny += not was_refused
