"""What must be true of a history, whatever was killed or failed in between.

INTENT durable → forward → OUTCOME durable → answer; REFUSAL durable → refuse (contract 1 and 7). A history is judged
when the last sidecar has ended, so that its start has closed every INTENT that a crash left open.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.crash.history import Answer, Arrival, Entry, History

NO_DECISION = "0" * 32
"""On an answer of which the sidecar itself could not say whether anything is on record."""
UNRECORDED = ("audit_unavailable",)
"""The one refusal that leaves no record: there is nothing to write it on."""


class Rule(enum.StrEnum):
    """What a history can do wrong."""

    SEQUENCE = "a log's sequence does not rise by one"
    REPEATED = "a decision has two records of one kind"
    INTENT_AND_REFUSAL = "a decision has both INTENT and REFUSAL"
    OPEN = "an INTENT has no OUTCOME"
    UNOPENED = "an OUTCOME has no INTENT before it"
    FORWARDED_UNRECORDED = "a request reached the model server without an INTENT that allows it"
    FORWARDED_EARLY = "a request reached the model server before its INTENT"
    FORWARDED_TWICE = "a request reached the model server twice"
    NEVER_FORWARDED = "an OUTCOME says released, but nothing reached the model server"
    ANSWERED_UNRECORDED = "a client has an answer that is not on record"
    ANSWERED_OTHERWISE = "a client has another answer than the record says"
    ANSWERED_EARLY = "a client had its answer before the record"


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule broken. `where` is a decision id, or a place in a log."""

    rule: Rule
    where: str


def breaches(history: History) -> list[Breach]:
    """All that is wrong; empty for a history that lost nothing."""
    judged = _Judged(history)
    return [*judged.log(), *judged.decisions(), *judged.arrivals(), *judged.answers()]


class _Judged:
    """A history, indexed. One method a side."""

    def __init__(self, history: History) -> None:
        self._history = history

    @cached_property
    def _of(self) -> dict[str, dict[str, Entry]]:
        """Kind to decision id to its first record."""
        kinds: dict[str, dict[str, Entry]] = {"INTENT": {}, "OUTCOME": {}, "REFUSAL": {}}
        for entry in self._history.entries:
            if entry.decision_id is not None:
                kinds[entry.kind].setdefault(entry.decision_id, entry)
        return kinds

    def log(self) -> Iterator[Breach]:
        """Sequences start at 0 and rise by one; no decision has two records of one kind."""
        following: dict[str, int] = {}
        for entry in self._history.entries:
            if entry.sequence != following.get(entry.log, 0):
                yield Breach(Rule.SEQUENCE, f"{entry.log} {entry.sequence}")
            following[entry.log] = entry.sequence + 1
        kinds = Counter((entry.decision_id, entry.kind) for entry in self._history.entries)
        for (decision_id, _), count in kinds.items():
            if decision_id is not None and count > 1:
                yield Breach(Rule.REPEATED, decision_id)

    def decisions(self) -> Iterator[Breach]:
        """One INTENT and one OUTCOME after it, or one REFUSAL."""
        intents, outcomes = self._of["INTENT"], self._of["OUTCOME"]
        for decision_id in intents:
            if decision_id in self._of["REFUSAL"]:
                yield Breach(Rule.INTENT_AND_REFUSAL, decision_id)
            if decision_id not in outcomes:
                yield Breach(Rule.OPEN, decision_id)
        for decision_id, outcome in outcomes.items():
            intent = intents.get(decision_id)
            if intent is None or intent.sequence > outcome.sequence:
                yield Breach(Rule.UNOPENED, decision_id)

    def arrivals(self) -> Iterator[Breach]:
        """Nothing reached the model server but once, and under an INTENT that stood before."""
        counts = Counter(arrival.decision_id for arrival in self._history.arrivals)
        yield from (Breach(Rule.FORWARDED_TWICE, each) for each, count in counts.items() if count > 1)
        for arrival in self._history.arrivals:
            yield from self._arrival(arrival)
        for decision_id, outcome in self._of["OUTCOME"].items():
            if outcome.result == "released" and decision_id not in counts:
                yield Breach(Rule.NEVER_FORWARDED, decision_id)

    def _arrival(self, arrival: Arrival) -> Iterator[Breach]:
        intent = self._of["INTENT"].get(arrival.decision_id)
        if intent is None or not intent.allows:
            yield Breach(Rule.FORWARDED_UNRECORDED, arrival.decision_id)
        elif intent.unix_ns > arrival.unix_ns:
            yield Breach(Rule.FORWARDED_EARLY, arrival.decision_id)

    def answers(self) -> Iterator[Breach]:
        """Each answer is on record as it was given, or is a refusal that a summary counts."""
        counted = sum(entry.count for entry in self._history.entries if entry.kind == "REFUSAL_SUMMARY")
        for answer in self._history.answers:
            if _leaves_no_record(answer):
                continue
            entry = self._of["OUTCOME"].get(answer.decision_id) or self._of["REFUSAL"].get(answer.decision_id)
            if entry is not None:
                yield from _answer(answer, entry)
            elif answer.codes and counted > 0:
                counted -= 1
            else:
                yield Breach(Rule.ANSWERED_UNRECORDED, answer.decision_id)


def _leaves_no_record(answer: Answer) -> bool:
    return answer.status == 503 and (answer.codes == UNRECORDED or answer.decision_id == NO_DECISION)


def _answer(answer: Answer, entry: Entry) -> Iterator[Breach]:
    if entry.status != answer.status:  # `unknown` and `aborted` have no status: no client may have an answer
        yield Breach(Rule.ANSWERED_OTHERWISE, answer.decision_id)
    if entry.unix_ns > answer.unix_ns:
        yield Breach(Rule.ANSWERED_EARLY, answer.decision_id)
