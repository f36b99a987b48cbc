"""What came of a load test: latencies, statuses, refusals by reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.figures import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.vegeta import Answer

PERCENTS = (50.0, 90.0, 99.0, 99.9, 99.99)
NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Latencies count from when a request was due; percentiles by percent, in ms.

    `statuses` and `reasons` are counts; a refusal with two reasons counts for both.
    """

    requests: int
    duration_s: float
    answered_per_s: float
    latency_ms: dict[str, float]
    highest_ms: float
    statuses: dict[str, int]
    reasons: dict[str, int]


def reasons(answer: Answer) -> list[str]:
    """The refusal's own codes, else its status, else why no answer came; empty for what was not refused."""
    if answer.status == 0:
        return [f"{NO_ANSWER}: {answer.error[-120:]}"]
    if answer.status < 400:
        return []
    try:
        problem = json.loads(answer.body)
        found = [str(reason["code"]) for reason in problem["reasons"]]
    except (ValueError, TypeError, KeyError):
        found = []
    return found or [f"status {answer.status}"]


def outcome(answers: Sequence[Answer]) -> Outcome:
    """Of all answers; raises ValueError where there are none."""
    latencies_ms = sorted(answer.latency_s * 1e3 for answer in answers)
    duration_s = max(answer.due_s + answer.latency_s for answer in answers)
    statuses = Counter(str(answer.status or NO_ANSWER) for answer in answers)
    told = Counter(reason for answer in answers for reason in reasons(answer))
    answered = sum(answer.status != 0 for answer in answers)
    return Outcome(
        requests=len(answers),
        duration_s=duration_s,
        answered_per_s=answered / max(duration_s, 1e-9),
        latency_ms={f"p{percent:g}": percentile(latencies_ms, percent) for percent in PERCENTS},
        highest_ms=latencies_ms[-1],
        statuses=dict(sorted(statuses.items())),
        reasons=dict(told.most_common()),
    )
