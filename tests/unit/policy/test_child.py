from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from sidecar.model.refusal import Refused
from sidecar.policy.bundle import Bundle
from sidecar.policy.child import ChildEngine, ChildMaker, find_opa
from sidecar.policy.port import Answer
from sidecar.policy.private_dir import PREFIX
from sidecar.policy.problems import PolicyProblems
from tests.policies import bundle, module, opa_binary
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

ECHO = module('decision := {"allow": input.x > 1, "data": data.models} if data.models')


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def maker(binary: Path | None = None) -> ChildMaker:
    return ChildMaker(binary or opa_binary(), timeout_s=5, clock=FixedClock())


async def made(of: Bundle) -> ChildEngine:
    return await maker().make(of)


async def problems(of: Bundle, tmp_path: Path) -> tuple[str, ...]:
    with pytest.raises(PolicyProblems) as raised:
        await made(of)
    assert [name for name in os.listdir(tmp_path) if name.startswith(PREFIX)] == []
    return raised.value.problems


async def test_decisions_and_facts_over_input_and_data(own_tmp: Path) -> None:
    engine = await made(bundle(ECHO, "r7", b'{"models":{"credit":1}}'))
    assert engine.kind == "opa"
    assert await engine.decide(b'{"x":2}') == Answer({"allow": True, "data": {"credit": 1}}, "r7")
    assert await engine.facts() == Answer({"models": {}, "guards": {}, "absent": []}, "r7")
    many = [b'{"x":%d}' % number for number in range(20)]
    answers = await asyncio.gather(*[engine.decide(one) for one in many])
    assert [answer.value["allow"] for answer in answers] == [number > 1 for number in range(20)]
    await engine.aclose()
    assert os.listdir(own_tmp) == []


async def test_two_bundles_live_side_by_side() -> None:
    old, new = await made(bundle(ECHO, "old")), await made(bundle(ECHO, "new"))
    assert (await old.decide(b"{}")).revision == "old"
    await old.aclose()
    assert (await new.decide(b"{}")).revision == "new"
    await new.aclose()


async def test_a_death_is_unavailable_until_the_new_start() -> None:
    making = maker()
    engine = await making.make(bundle(ECHO, "r7", b'{"models":{}}'))
    assert engine.process.pid is not None
    os.kill(engine.process.pid, signal.SIGKILL)
    codes: set[str] = set()
    while True:
        try:
            answer = await engine.decide(b'{"x":2}')
        except Refused as refusal:
            codes.update(reason.code for reason in refusal.reasons)
        else:
            if codes:
                break
        await asyncio.sleep(0.005)
    assert codes == {"policy_unavailable"}
    assert answer.revision == "r7"
    assert making.restarts == 1
    await engine.aclose()


async def test_what_does_not_parse_or_compile_is_told_of_every_module(own_tmp: Path) -> None:
    broken = Bundle("r1", {"a.rego": "package a\nx :=", "b.rego": "package b\ny :="}, b"{}", ())
    found = await problems(broken, own_tmp)
    assert {problem.partition(":")[0] for problem in found} == {"a.rego", "b.rego"}
    assert "nope" in " ".join(await problems(bundle(module("decision := nope(1)")), own_tmp))


async def test_a_forbidden_builtin_is_told(own_tmp: Path) -> None:
    text = module('decision := {"allow": time.now_ns() > 0}')
    assert "time.now_ns" in " ".join(await problems(bundle(text), own_tmp))


async def test_a_binary_that_ends_at_once_says_why(own_tmp: Path) -> None:
    binary = own_tmp / "opa"
    binary.write_text('#!/bin/sh\n[ "$1" = check ] || { echo "out of luck" >&2; exit 3; }\n')
    binary.chmod(0o700)
    with pytest.raises(PolicyProblems, match="out of luck"):
        await maker(binary).make(bundle(ECHO))
    binary.unlink()
    with pytest.raises(PolicyProblems, match="cannot be started"):
        await maker(binary).make(bundle(ECHO))


async def test_a_path_too_long_for_a_socket_is_told(own_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = own_tmp / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(PolicyProblems, match="too long for a Unix socket"):
        await made(bundle(ECHO))


def executable(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.touch(0o700)
    return path


def test_where_opa_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    assert find_opa() is None
    on_path = executable(tmp_path / "path" / "opa")
    assert find_opa() == on_path
    beside = executable(tmp_path / "venv" / "opa")
    assert find_opa() == beside
    given = executable(tmp_path / "given" / "opa-1.22")
    assert find_opa(given) == given
    given.chmod(0o600)
    (tmp_path / "folder").mkdir()
    for unfit in (given, tmp_path / "folder", tmp_path / "none"):
        with pytest.raises(PolicyProblems, match="not an executable"):
            find_opa(unfit)
