from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.context import DecisionIds, open_context
from sidecar.model.message import Request, Response
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.v1 import V1
from sidecar.proxy.case import Case
from sidecar.proxy.endings import defect, problem_of, stamped, stopping
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

CLOCK = FixedClock()
REQUEST = Request("POST", "/", ((b"x-request-id", b"call-7"),))


@pytest.fixture
def case() -> Case:
    return Case(REQUEST, open_context(REQUEST.headers, CLOCK, DecisionIds()), CLOCK, "enforce", 0.0, 0.0, revision="r1")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.ERROR, "sidecar.exchange"):
        yield caplog


@pytest.mark.parametrize(
    ("words", "stopped", "cancellations"),
    [(("shutting_down",), True, 0), ((), False, 1), (("something else",), False, 1)],
    ids=["our stop", "the client", "another"],
)
async def test_only_our_own_stop_is_answered(words: tuple[str, ...], stopped: bool, cancellations: int) -> None:
    reached = asyncio.Event()

    async def work() -> tuple[bool, int]:
        task = asyncio.current_task()
        assert task is not None
        try:
            reached.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError as cut:
            return stopping(cut), task.cancelling()
        raise AssertionError

    task = asyncio.create_task(work())
    await reached.wait()
    task.cancel(*words)
    # A task that still has to answer must be able to wait again: its cancellation is taken back.
    assert await task == (stopped, cancellations)


def test_a_defect_goes_to_the_log_and_its_name_to_the_client(case: Case, told: pytest.LogCaptureFixture) -> None:
    try:
        int("what nobody foresaw")
    except ValueError:
        refusal = defect(case)
    assert refusal.reasons == (Reason("sidecar_failed", "the sidecar failed; its log says why"),)
    (record,) = told.records
    assert record.getMessage() == f"decision {case.context.decision_id}: a defect of the sidecar"
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


def test_a_refusal_is_told_in_the_cases_terms(case: Case) -> None:
    refusal = Refused(Reason("overloaded", "too much"), retry_after_s=7, allow=("GET", "POST"))
    answer = problem_of(case, refusal)
    assert (answer.status, answer.headers) == (
        503,
        ((b"content-type", b"application/problem+json"), (b"retry-after", b"7"), (b"allow", b"GET, POST")),
    )
    assert json.loads(answer.body)["decision_id"] == case.context.decision_id
    assert "error" not in json.loads(answer.body)
    case.protocol = V1()
    assert json.loads(problem_of(case, refusal).body)["error"] == "too much"


def test_every_answer_says_who_it_is(case: Case) -> None:
    answer = Response(201, ((b"content-type", b"text/plain"),), b"body")
    assert stamped(case, answer) == Response(
        201,
        (
            (b"content-type", b"text/plain"),
            (b"x-decision-id", case.context.decision_id.encode()),
            (b"x-request-id", b"call-7"),
            (b"x-policy-revision", b"r1"),
        ),
        b"body",
    )
