"""A real worker as its supervisor sees it."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from sidecar.app.workers.channel import Kind, Word
from sidecar.app.workers.counters import Counted
from sidecar.app.workers.process import Worker
from sidecar.child_process import Pauses
from tests.policies import until
from tests.unit.app.workers.given import Given, given

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.model.message import Response

pytestmark = pytest.mark.anyio

END_S = 20.0


@pytest.fixture(autouse=True)
def _short_paths(tmp_path: Path) -> None:
    assert len(str(tmp_path / "0.sock")) < 100


def worker(of: Given) -> tuple[Worker, list[Word]]:
    heard: list[Word] = []
    return Worker(of.assignment, of.counters, lambda _, word: heard.append(word)), heard


async def test_it_says_that_it_serves_and_is_ready_and_answers_and_ends(tmp_path: Path) -> None:
    with given(tmp_path) as of:
        one, heard = worker(of)
        await one.start()
        await until(lambda: Kind.READY in one.words)
        assert [word.kind for word in heard] == [Kind.SERVING, Kind.READY]
        assert (heard[1].engine, len(heard[1].revision)) == ("embedded", 16)
        assert one.memory_bytes is not None
        assert one.memory_bytes > 20 << 20
        answer = await one.ask("/status")
        assert answer is not None
        assert json.loads(answer.body)["ready"] is True
        assert await one.end(END_S) == 0
        assert (one.pid, one.memory_bytes, one.words, await one.ask("/status")) == (None, None, {}, None)


async def test_killed_it_holds_nothing_and_is_started_again(tmp_path: Path) -> None:
    with given(tmp_path) as of:
        one, _ = worker(of)
        await one.start()
        await until(lambda: Kind.READY in one.words)
        of.counters.of(Counted.REQUESTS)[0] = 3
        first = one.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: one.pid != first)
        assert of.counters.of(Counted.REQUESTS)[0] == 0
        await until(lambda: Kind.READY in one.words)
        assert one.restarts_total == 1
        assert await one.end(END_S) == 0


async def test_one_that_hangs_is_killed_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sidecar.app.workers.process.LOOK_EACH_S", 0.05)
    monkeypatch.setattr("sidecar.app.workers.process.ASKED_TIMEOUT_S", 2.0)
    with given(tmp_path) as of:
        one, _ = worker(of)
        await one.start()
        await until(lambda: Kind.READY in one.words)
        first = one.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        await until(lambda: one.pid not in (first, None))
        await until(lambda: Kind.READY in one.words)
        assert one.restarts_total == 1
        assert await one.end(END_S) == 0
    assert "worker 0 serves and did not answer 3 times: it is killed" in caplog.text


async def test_one_that_answers_now_and_then_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.workers.process.LOOK_EACH_S", 0.01)
    answers = [None, None, b"alive"] * 20
    with given(tmp_path) as of:
        one, _ = worker(of)
        real = one.ask

        async def ask(path: str, accept: str = "*/*") -> Response | None:
            answered = answers.pop(0) if answers else b"alive"
            return None if answered is None else await real(path, accept)

        monkeypatch.setattr(one, "ask", ask)
        await one.start()
        first = one.pid
        await until(lambda: not answers)
        assert (one.pid, one.restarts_total) == (first, 0)
        assert await one.end(END_S) == 0


async def test_what_keeps_it_from_starting_is_said_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.workers.process.PAUSES", Pauses(0.01, 0.01, 60.0))
    with given(tmp_path) as of:
        (tmp_path / "data.json").write_text("{")
        one, heard = worker(of)
        await one.start()
        await until(lambda: len(heard) == 2)
        assert [word.kind for word in heard] == [Kind.PROBLEMS, Kind.PROBLEMS]
        assert [text for text in heard[0].texts if "data.json" in text]
        await one.end(END_S)


async def test_one_that_does_not_end_is_killed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with given(tmp_path) as of:
        one, _ = worker(of)
        await one.start()
        await until(lambda: Kind.READY in one.words)
        assert one.pid is not None
        os.kill(one.pid, signal.SIGSTOP)
        assert await one.end(0.1) == -signal.SIGKILL
    assert "worker 0 did not end in 0 s and was killed" in caplog.text
