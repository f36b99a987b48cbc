"""The demo's second phase: the skewed model is asked until it is throttled, and then until it is released."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.audit.lookup import export
from sidecar.demo.policy_data import THROTTLE_HOLD_S
from sidecar.demo.replay import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sidecar.demo.calls import Call
    from sidecar.demo.replay import Answer, Clients

CALLS_LIMIT = 4_000
"""By then it is certain, but for an accident of one in a thousand; then the demo says that it was not throttled."""
THINK_S = 0.1
"""Of each caller between two calls: so that one can watch the disparity build up, second by second."""
PAUSE_S = 0.25
"""Two calls so close together both pass only where no throttle of one a second is in force."""
GRACE_S = 15.0
"""After the hold's end the calls pass within a second, however slow the machine."""
THROTTLED = "model_throttled"
RELEASED = b'"event":"throttle_released"'


@dataclass(frozen=True, slots=True)
class Provoked:
    """All answers of the phase in order of arrival, and how many had come before the first 429."""

    answers: Sequence[Answer]
    before_throttle: int
    throttled_s: float
    """From the first 429 until calls passed again."""

    @property
    def throttled(self) -> int:
        """How many calls met the throttle."""
        return sum(is_throttled(answer) for answer in self.answers)


def is_throttled(answer: Answer) -> bool:
    """Whether it is the throttle's 429."""
    return answer.codes == (THROTTLED,)


async def provoke(clients: Clients, calls: Iterator[Call], advance: Callable[[], None], audit_dir: Path) -> Provoked:
    """Sends calls until one is throttled, goes on at `PAUSE_S` until two in a row pass, then sends a few at once.

    Returns when the throttle's end is on record in `audit_dir`.
    """
    answers = await clients.replay(calls, advance, is_throttled, pause_s=THINK_S)
    before = next((number for number, answer in enumerate(answers) if is_throttled(answer)), len(answers))
    if before == len(answers):
        return Provoked(answers, before, 0.0)
    throttled_s = await _wait_for_release(clients, calls, answers)
    few = (call for call, _ in zip(calls, range(CONCURRENCY), strict=False))
    answers += await clients.replay(few, advance)
    await _on_record(audit_dir)
    return Provoked(answers, before, throttled_s)


async def _wait_for_release(clients: Clients, calls: Iterator[Call], answers: list[Answer]) -> float:
    started_s = time.monotonic()
    passed = 0
    for call in calls:
        answers.append(await clients.ask(call))
        passed = 0 if is_throttled(answers[-1]) else passed + 1
        lasted_s = time.monotonic() - started_s
        if passed == 2 or lasted_s > THROTTLE_HOLD_S + GRACE_S:
            return lasted_s
        await asyncio.sleep(PAUSE_S)
    return time.monotonic() - started_s


async def _on_record(audit_dir: Path) -> None:
    """Until the event is there, which a sidecar looks for about once a second; what is missing is told at the end."""
    started_s = time.monotonic()
    while not any(RELEASED in record for record in export(audit_dir)):
        if time.monotonic() - started_s > GRACE_S:
            return
        await asyncio.sleep(PAUSE_S)
