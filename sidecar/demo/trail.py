"""The audit trail as the sidecar left it, and whether it agrees with what the callers saw."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit.lookup import export
from sidecar.demo.calls import UNFAIR
from sidecar.demo.skewed import SKEWED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sidecar.demo.replay import Answer

SHOWN_DIFFERENCES = 10
WHOLE = (["REFUSAL"], ["INTENT", "OUTCOME"])
"""What one exchange leaves (contract 1)."""
THROTTLED = ("throttle_armed", "throttle_released")
"""What one throttle leaves, in this order."""


@dataclass(slots=True)
class Story:
    """All records of one decision, together. `shadow` has what would have refused it, as (rule, code)."""

    kinds: list[str] = field(default_factory=list[str])
    status: int | None = None
    result: str = "refused"
    codes: tuple[str, ...] = ()
    shadow: tuple[tuple[str, str], ...] = ()
    group: str | None = None
    score: float | None = None
    positive: bool = False

    def add(self, record: Mapping[str, Any]) -> None:
        """Takes the next record of this decision."""
        self.kinds.append(record["kind"])
        decision = record.get("decision")
        if decision:
            self.shadow += tuple((reason.get("rule", ""), reason["code"]) for reason in decision["shadow"])
        if record["kind"] == "INTENT":
            groups = record["input"]["attributes"]["groups"]["value"] if record["input"] else None
            self.group = groups[0] if groups else None
            return
        self.status = record["status"]
        self.result = record.get("result", self.result)
        if decision and self.result != "released":
            self.codes = tuple(sorted({reason["code"] for reason in decision["reasons"]}))
        self._read(record)

    def _read(self, record: Mapping[str, Any]) -> None:
        answered: Mapping[str, Any] = record.get("input") or {}
        if "prediction" in answered:
            self.score = answered["prediction"]["scores"][0]
        self.positive = bool(record.get("positive"))


@dataclass(frozen=True, slots=True)
class Trail:
    """Stories by decision id, how many refusals were only counted (contract 7), and how many records.

    `throttles` has the events of throttles in order, as (event, model).
    """

    stories: Mapping[str, Story]
    summarised: int
    records: int
    throttles: Sequence[tuple[str, str]] = ()


def read_trail(audit_dir: Path) -> Trail:
    """Everything under `audit_dir`."""
    stories: defaultdict[str, Story] = defaultdict(Story)
    throttles: list[tuple[str, str]] = []
    summarised = records = 0
    for line in export(audit_dir):
        record: dict[str, Any] = orjson.loads(line)
        records += 1
        if record["kind"] == "REFUSAL_SUMMARY":
            summarised += record["count"]
        elif "decision_id" in record:
            stories[record["decision_id"]].add(record)
        elif record["event"] in THROTTLED:
            throttles.append((record["event"], record["details"]["model"]))
    return Trail(dict(stories), summarised, records, throttles)


def differences(answers: Sequence[Answer], trail: Trail, inferences: int) -> list[str]:
    """What does not agree between answers, audit trail and model server; empty where all is well.

    `inferences`: those that the model server made for the sidecar.
    """
    found = [
        *_unanswered(answers),
        *_unexpected(answers),
        *_unrecorded(answers, trail),
        *_disagreeing(answers, trail),
        *_unforwarded(trail, inferences),
        *_unthrottled(answers, trail),
    ]
    hidden = len(found) - SHOWN_DIFFERENCES
    return [*found[:SHOWN_DIFFERENCES], f"… and {hidden} more"] if hidden > 0 else found


def _unanswered(answers: Sequence[Answer]) -> Iterable[str]:
    failed = Counter(answer.codes for answer in answers if answer.status == 0)
    for codes, count in failed.items():
        yield f"{count} calls had no answer: {', '.join(codes)}"


def _unexpected(answers: Sequence[Answer]) -> Iterable[str]:
    wrong = Counter(
        (answer.kind.told, answer.kind.expected, answer.status, answer.codes)
        for answer in answers
        if not _is_expected(answer)
    )
    for (told, expected, status, codes), count in wrong.items():
        yield f"{count} calls, {told}: expected {expected or 'forwarding'}, got {status} {', '.join(codes)}"


def _is_expected(answer: Answer) -> bool:
    kind = answer.kind
    if kind.may_meet is not None and answer.codes == (kind.may_meet,):
        return answer.status != 200
    wanted = () if kind.expected is None else (kind.expected,)
    return answer.codes == wanted and (answer.status == 200) == (kind.expected is None)


def _unrecorded(answers: Sequence[Answer], trail: Trail) -> Iterable[str]:
    ids = {answer.decision_id for answer in answers}
    if len(ids) != len(answers):
        yield f"{len(answers)} answers carry {len(ids)} different decision ids"
    missing, strange = len(ids - trail.stories.keys()), len(trail.stories.keys() - ids)
    if missing != trail.summarised:
        yield f"{missing} answers are not in the audit trail, which counts {trail.summarised} in summaries"
    if strange:
        yield f"the audit trail has {strange} decisions that nobody asked for"
    broken = Counter("+".join(story.kinds) for story in trail.stories.values() if story.kinds not in WHOLE)
    for kinds, count in broken.items():
        yield f"{count} decisions left {kinds} instead of REFUSAL or INTENT+OUTCOME"


def _disagreeing(answers: Sequence[Answer], trail: Trail) -> Iterable[str]:
    for answer in answers:
        story = trail.stories.get(answer.decision_id)
        if story and (story.status, story.codes) != (answer.status, answer.codes):
            yield (
                f"decision {answer.decision_id}: the caller saw {answer.status} {', '.join(answer.codes)}, "
                f"the audit trail has {story.status} {', '.join(story.codes)}"
            )


def _unforwarded(trail: Trail, inferences: int) -> Iterable[str]:
    intents = sum("INTENT" in story.kinds for story in trail.stories.values())
    if intents != inferences:
        yield f"{intents} calls have an INTENT, but the model server saw {inferences}"


def _unthrottled(answers: Sequence[Answer], trail: Trail) -> Iterable[str]:
    """The skewed model was throttled and released once, the honest one never."""
    wanted = [(event, SKEWED) for event in THROTTLED] if any(answer.kind is UNFAIR for answer in answers) else []
    if list(trail.throttles) != wanted:
        told = ", ".join(f"{event} of {model}" for event, model in trail.throttles) or "nothing"
        yield f"of throttles the audit trail has: {told}; expected one of {SKEWED}, armed and released, and no other"
