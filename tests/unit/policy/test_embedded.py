from __future__ import annotations

import asyncio
import logging
import threading

import orjson
import pytest

from sidecar.model.refusal import Refused
from sidecar.policy.binding import Regorus
from sidecar.policy.embedded import EmbeddedEngine, EmbeddedMaker, first_line
from sidecar.policy.port import UNDEFINED, Answer
from sidecar.policy.problems import PolicyProblems
from tests.bindings import FORK, NATIVE, binding, only
from tests.policies import ALLOW, bundle, module
from tests.support import FixedClock

__all__ = ["binding"]  # a fixture
pytestmark = pytest.mark.usefixtures("binding")

ECHO = module('decision := {"allow": input.x > 1, "data": data.models}')


async def made(text: str, **data: object) -> EmbeddedEngine:
    maker = EmbeddedMaker(timeout_s=0.25, clock=FixedClock())
    return await maker.make(bundle(text, data_json=orjson.dumps(data)))


async def code_of(engine: EmbeddedEngine, input_json: bytes = b"{}") -> str:
    with pytest.raises(Refused) as raised:
        await engine.decide(input_json)
    (reason,) = raised.value.reasons
    assert "secret" not in reason.message
    return reason.code


async def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyProblems) as raised:
        await made(text)
    return raised.value.problems


async def test_decisions_and_facts_over_input_and_data() -> None:
    engine = await made(ECHO, models={"credit": {"é": 1}})
    assert await engine.decide(b'{"x":2}') == Answer({"allow": True, "data": {"credit": {"é": 1}}}, "r1")
    assert await engine.decide(b'{"x":1}') == Answer({"allow": False, "data": {"credit": {"é": 1}}}, "r1")
    assert await engine.facts() == Answer({"models": {}, "guards": {}, "absent": []}, "r1")


async def test_undefined_is_no_value() -> None:
    engine = await made(module(f"decision := {ALLOW} if input.x"))
    assert await engine.decide(b"{}") == Answer(UNDEFINED, "r1")
    assert await (await made(module("other := 1"))).decide(b"{}") == Answer(UNDEFINED, "r1")


async def test_an_evaluation_that_fails_is_malformed_and_the_next_one_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = await made(module('decision := {"allow": round(input.x + 1) == 2}'))
    assert await code_of(engine, b'{"x":"secret"}') == "policy_malformed"
    assert (await engine.decide(b'{"x":1}')).value == {"allow": True}
    (line,) = caplog.messages
    assert "sidecar/composed.rego:2:" in line
    assert "backtrace" not in line


async def test_input_that_is_no_json_is_malformed() -> None:
    assert await code_of(await made(ECHO), b"{") == "policy_malformed"


def test_the_binding_in_use_is_told(binding: str) -> None:
    engine = EmbeddedEngine(Regorus(), "r1", timeout_s=0.25, clock=FixedClock())
    assert engine.binding.startswith(f"{binding} 0.")


async def test_who_waits_when_the_engine_is_closed_is_answered() -> None:
    engine = await made(ECHO, models=1)
    asking = asyncio.create_task(engine.decide(b'{"x":2}'))
    await asyncio.sleep(0)
    await engine.aclose()
    assert await asking == Answer({"allow": True, "data": 1}, "r1")


async def test_of_a_cohort_each_is_answered_by_itself() -> None:
    engine = await made(module('decision := {"allow": round(input.x + 1) == 2}'))
    first, failed, last = await asyncio.gather(
        *[engine.decide(question) for question in (b'{"x":1}', b'{"x":"secret"}', b'{"x":2}')], return_exceptions=True
    )
    assert (first, last) == (Answer({"allow": True}, "r1"), Answer({"allow": False}, "r1"))
    assert isinstance(failed, Refused)
    assert [reason.code for reason in failed.reasons] == ["policy_malformed"]


def real_panic() -> BaseException:
    """The fork's binding panics when an engine is used from a thread that did not make it."""
    with only(FORK):
        regorus = Regorus()
    panics: list[BaseException] = []

    def elsewhere() -> None:
        try:
            regorus.engine.set_input_json("{}")
        except BaseException as panic:
            panics.append(panic)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    return panics[0]


class Scripted:
    """An engine whose copies raise, one after the other, what they are told to."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)

    def clone(self) -> Scripted:
        return self

    def set_input_json(self, _: str) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def eval_rule_as_json(self, _: str) -> str:
        return ALLOW


async def test_a_panic_is_unavailable_and_the_next_decision_has_a_fresh_engine(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = EmbeddedEngine(Regorus(Scripted(real_panic())), "r1", timeout_s=0.25, clock=FixedClock())
    assert await code_of(engine) == "policy_unavailable"
    assert "panicked" in caplog.text
    assert (await engine.decide(b"{}")).value == orjson.loads(ALLOW)


async def test_what_is_not_the_engines_passes() -> None:
    engine = EmbeddedEngine(Regorus(Scripted(KeyboardInterrupt())), "r1", timeout_s=0.25, clock=FixedClock())
    with pytest.raises(KeyboardInterrupt):
        await engine.decide(b"{}")


async def test_a_late_result_is_refused() -> None:
    clock = FixedClock()

    class Slow(Scripted):
        def eval_rule_as_json(self, rule: str) -> str:
            clock.advance(0.3)
            return super().eval_rule_as_json(rule)

    engine = EmbeddedEngine(Regorus(Slow()), "r1", timeout_s=0.25, clock=clock)
    assert await code_of(engine, b'{"x":2}') == "policy_timeout"


async def test_ours_ends_what_takes_too_long() -> None:
    with only(NATIVE):
        pairs = "[1 | some i in numbers.range(1, 9000); some j in numbers.range(1, 9000); i == j]"
        engine = await made(module('decision := {"allow": count(' + pairs + ") > 0} if input.slow"))
        assert await code_of(engine, b'{"slow":true}') == "policy_timeout"
        assert await engine.decide(b"{}") == Answer(UNDEFINED, "r1")


@pytest.mark.parametrize("name", [NATIVE])
async def test_the_loop_goes_on_while_ours_is_made(name: str) -> None:
    with only(name):
        making = asyncio.create_task(made(ECHO, models={str(number): [number] for number in range(100_000)}))
        turns = 0
        while not making.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns > 2
    assert (await (await making).decide(b'{"x":1}')).revision == "r1"


async def test_closed_is_unavailable() -> None:
    engine = await made(ECHO)
    await engine.aclose()
    assert await code_of(engine) == "policy_unavailable"


async def test_what_does_not_parse_is_told_of_every_module() -> None:
    maker = EmbeddedMaker(timeout_s=0.25, clock=FixedClock())
    broken = bundle("package sidecar\nx := ")
    broken.modules["b.rego"] = "package b\ny :="  # pyright: ignore[reportIndexIssue] - a dict here
    with pytest.raises(PolicyProblems) as raised:
        await maker.make(broken)
    assert [problem.rpartition(":")[0] for problem in raised.value.problems] == [
        "b.rego:2:5",
        "sidecar/composed.rego:2:6",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (module("decision := x", "facts := y"), "y"),
        (module("decision := {}", 'facts := {"models": nope(1)}'), "nope"),
    ],
)
async def test_what_does_not_compile_is_told(text: str, told: str) -> None:
    (problem,) = await problems(text)
    assert told in problem
    assert "\n" not in problem


async def test_a_forbidden_builtin_is_told() -> None:
    text = module('decision := {"allow": time.now_ns() > 0}')
    assert "time.now_ns" in " ".join(await problems(text))


async def test_a_rule_that_depends_on_itself_is_told() -> None:
    text = module('decision := {"allow": loop(1)}') + "\nloop(x) := loop(x)\n"
    assert "depends on itself" in " ".join(await problems(text))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "\n--> a.rego:3:9\n  |\nerror: expecting expression\n\nStack backtrace:\n  0: x",
            "a.rego:3:9: expecting expression",
        ),
        ("not a valid rule path\n\nStack backtrace:\n 0: x", "not a valid rule path"),
        ("", "RuntimeError"),
        ("e" * 1000, "e" * 300),
    ],
)
def test_the_first_line_of_what_regorus_says(text: str, line: str) -> None:
    assert first_line(RuntimeError(text)) == line


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "sidecar.policy")
