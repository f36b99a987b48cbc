"""What an engine does that does not do well: never an allow, never a denial, and each its own reason."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.policy.child import ChildEngine
from sidecar.policy.port import Answer
from sidecar.policy.problems import PolicyProblems
from tests.bindings import BINDINGS
from tests.conformance.engines import KINDS, engine, maker, outcome
from tests.policies import ALLOW, FACTS, bundle, module

if TYPE_CHECKING:
    from pathlib import Path

# About a second of work on either engine.
PAIRS = "[1 | some i in numbers.range(1, 1500); some j in numbers.range(1, 1500); i == j]"
SLOW = f"decision := {ALLOW} if count({PAIRS}) > 0"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (f"decision := {ALLOW}", ["allow"]),
        (f"decision := {ALLOW} if input.x == 1", ["allow"]),
        (f"decision := {ALLOW} if input.x == 2", ["failed", "policy_undefined"]),
        (f"decision := {ALLOW} if input.nothing.of.the.kind", ["failed", "policy_undefined"]),
        (f"decision := {ALLOW} if data.models.none", ["failed", "policy_undefined"]),
        ("decision := true", ["failed", "policy_malformed"]),
        ("decision := null", ["failed", "policy_malformed"]),
        ('decision := "<undefined!>"', ["failed", "policy_malformed"]),
        ('decision := {"allow": 1}', ["failed", "policy_malformed"]),
        ('decision := {"allow": "true"}', ["failed", "policy_malformed"]),
        ('decision contains {"allow": true}', ["failed", "policy_malformed"]),
        ('decision := {"allow": false}', ["failed", "policy_malformed"]),
        ('decision := {"allow": true, "obligations": [{"type": "explode"}]}', ["failed", "policy_malformed"]),
        ('decision := {"allow": true, "ttl_s": -1}', ["failed", "policy_malformed"]),
        (
            'decision := {"allow": true} if input.x == 1\n\ndecision := {"allow": false} if input.x > 0',
            ["failed", "policy_malformed"],
        ),
        ('decision := {"allow": false, "reasons": [{"code": "own", "message": "é \\u2028"}]}', ["own"]),
    ],
)
async def test_the_same_outcome_of_the_same_module(kind: str, decision: str, expected: list[str]) -> None:
    async with engine(kind, bundle(module(decision))) as made:
        assert await outcome(made, b'{"x":1}') == expected


async def test_a_rule_that_does_not_exist_is_undefined(kind: str) -> None:
    async with engine(kind, bundle(module(f"other := {ALLOW}", FACTS))) as made:
        assert await outcome(made, b"{}") == ["failed", "policy_undefined"]


@pytest.mark.parametrize("expression", ["input.x / input.zero", "input.x + input.text", "to_number(input.text)"])
async def test_an_evaluation_error_is_never_an_allow(kind: str, expression: str) -> None:
    """regorus ends the query, OPA leaves the expression undefined: both are failures of the policy."""
    async with engine(kind, bundle(module(f"decision := {ALLOW} if {expression} != 5"))) as made:
        (failed, code) = await outcome(made, b'{"x":1,"zero":0,"text":"secret"}')
        assert failed == "failed"
        assert code in {"policy_malformed", "policy_undefined"}
        assert await outcome(made, b'{"x":1,"zero":1,"text":"7"}') != ["failed", "policy_unavailable"]


async def test_values_come_back_as_they_went(kind: str) -> None:
    value = {
        "text": 'ä€😀\u2028\\"\n\x00',
        "numbers": [0, -1, 2**53, 0.1, 1e-7, 123456789.125],
        "others": [None, True, False, [], {}],
        "": {"a.b/c": 1},
    }
    async with engine(kind, bundle(module("decision := input.value"))) as made:
        answer = await made.decide(orjson.dumps({"value": value}))
        assert answer == Answer(value, "r1")


async def test_data_is_not_input_and_input_not_data(kind: str) -> None:
    text = module('decision := {"allow": data.models.x == "d", "reasons": input.reasons}')
    async with engine(kind, bundle(text, data_json=b'{"models":{"x":"d"}}')) as made:
        assert await outcome(made, b'{"reasons":[],"data":{"models":{"x":"e"}}}') == ["allow"]


async def test_one_question_leaves_nothing_for_the_next(kind: str) -> None:
    async with engine(kind, bundle(module(f"decision := {ALLOW} if input.x == 1"))) as made:
        for x, expected in ((1, ["allow"]), (2, ["failed", "policy_undefined"]), (1, ["allow"])):
            assert await outcome(made, b'{"x":%d}' % x) == expected
        assert await outcome(made, b"{}") == ["failed", "policy_undefined"]


async def test_many_at_once_get_each_its_own_answer(kind: str) -> None:
    text = module('decision := {"allow": true, "ttl_s": input.n} if input.n != 13')
    async with engine(kind, bundle(text)) as made:
        answers = await asyncio.gather(*[made.decide(b'{"n":%d}' % n) for n in range(150)])
        expected = [Answer({"allow": True, "ttl_s": n}, "r1") if n != 13 else answers[13] for n in range(150)]
        assert list(answers) == expected
        assert await outcome(made, b'{"n":13}') == ["failed", "policy_undefined"]


async def test_one_that_breaks_the_query_does_not_refuse_its_neighbours(kind: str) -> None:
    text = module('decision := {"allow": true}', 'decision := {"allow": false} if input.n == 13')
    text = module(text.removeprefix("package sidecar\n"))
    async with engine(kind, bundle(text)) as made:
        outcomes = await asyncio.gather(*[outcome(made, b'{"n":%d}' % n) for n in range(50)])
        assert outcomes == [["failed", "policy_malformed"] if n == 13 else ["allow"] for n in range(50)]


async def test_slow_is_a_timeout_and_the_next_is_not(kind: str) -> None:
    text = module(f"{SLOW.replace(' if ', ' if { input.slow; ')} }}\n\ndecision := {ALLOW} if not input.slow")
    async with engine(kind, bundle(text), timeout_s=0.2) as made:
        assert await outcome(made, b'{"slow":true}') == ["failed", "policy_timeout"]
        assert await outcome(made, b"{}") == ["allow"]


async def test_absent_is_told_at_the_start(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    making = maker(kind)
    for binding in BINDINGS:
        monkeypatch.setitem(sys.modules, binding, None)
    if kind == "opa":
        making._binary = tmp_path / "opa"  # type: ignore[attr-defined]
    with pytest.raises(PolicyProblems):
        await making.make(bundle(module(f"decision := {ALLOW}")))


async def test_dying_is_unavailable() -> None:
    """Of OPA alone: the embedded engine dies with the sidecar."""
    async with engine("opa", bundle(module(SLOW))) as made:
        assert isinstance(made, ChildEngine)
        asked = [asyncio.create_task(outcome(made, b"{}")) for _ in range(5)]
        await asyncio.sleep(0.1)  # they are under way or in line; either way
        assert made.process.pid is not None
        os.kill(made.process.pid, signal.SIGKILL)
        assert await asyncio.gather(*asked) == [["failed", "policy_unavailable"]] * 5
