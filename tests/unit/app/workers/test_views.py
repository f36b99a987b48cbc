"""One admin port for several workers: here scripted ones, one of which may not answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from sidecar.app.workers.channel import Kind, Word
from sidecar.app.workers.views import PodViews
from sidecar.model.message import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.app.workers.process import Worker

pytestmark = pytest.mark.anyio

PAGE = "# HELP sidecar_connections Open\n# TYPE sidecar_connections gauge\nsidecar_connections 3.0\n# EOF\n"
READY = {"status": "ready", "reasons": []}
STATUS = {"mode": "enforce", "policy": {"revision": "r1"}, "audit": {"log": "abc"}, "self_check": {"mode": "off"}}


@dataclass
class Scripted:
    """A worker that answers what it is given, by path; None: not at all."""

    slot: int
    answers: Mapping[str, tuple[int, bytes]] | None
    words: dict[Kind, Word] = field(default_factory=lambda: {Kind.SERVING: Word(Kind.SERVING)})
    pid: int | None = 7
    memory_bytes: int | None = 1 << 20
    restarts_total: int = 2

    async def ask(self, path: str, accept: str = "*/*") -> Response | None:
        del accept
        if self.answers is None:
            return None
        status, body = self.answers.get(path, (404, b"{}"))
        return Response(status, (), body)


def well(slot: int, **answers: tuple[int, bytes]) -> Scripted:
    given = {
        "/health/live": (200, b"{}"),
        "/health/ready": (200, json.dumps(READY).encode()),
        "/metrics": (200, PAGE.encode()),
        "/status": (200, json.dumps(STATUS | {"slot": slot}).encode()),
    }
    return Scripted(slot, given | {path.replace("__", "/"): answer for path, answer in answers.items()})


def dead(slot: int) -> Scripted:
    return Scripted(slot, None, {}, pid=None, memory_bytes=None)


def views(*workers: Scripted) -> PodViews:
    return PodViews(cast("list[Worker]", list(workers)), "var/audit", {})


async def test_it_is_ready_when_all_are() -> None:
    why = {"status": "unready", "reasons": ["no policy", "no log"]}
    unready = well(1, __health__ready=(503, json.dumps(why).encode()))
    assert await views(well(0), well(1)).unready() == []
    assert await views(well(0), unready, dead(2)).unready() == [
        "worker 1: no policy",
        "worker 1: no log",
        "worker 2: it does not answer",
    ]


async def test_it_is_not_ready_while_it_stops() -> None:
    stopping = views(well(0))
    stopping.stopping = True
    assert await stopping.unready() == ["stopping"]


async def test_who_serves_and_does_not_answer_is_stuck_and_who_is_dead_is_not() -> None:
    stuck = Scripted(1, None)
    assert await views(well(0), stuck, dead(2)).stuck() == ["worker 1 does not answer"]


async def test_the_page_has_those_that_answer_and_says_who_does_not() -> None:
    content, media_type = await views(well(0), dead(1)).metrics("text/plain")
    lines = content.decode().splitlines()
    assert media_type.startswith("text/plain")
    assert 'sidecar_connections{worker="0"} 3.0' in lines
    assert 'sidecar_connections{worker="1"} 3.0' not in lines
    assert [line for line in lines if line.startswith("sidecar_worker_")] == [
        'sidecar_worker_up{worker="0"} 1.0',
        'sidecar_worker_up{worker="1"} 0.0',
        'sidecar_worker_resident_memory_bytes{worker="0"} 1.048576e+06',
        'sidecar_worker_restarts_total{worker="0"} 2.0',
        'sidecar_worker_restarts_total{worker="1"} 2.0',
    ]


async def test_the_status_has_what_is_the_same_once_and_each_workers_own() -> None:
    told: dict[str, Any] = dict(await views(dead(0), well(1)).status())
    alike = {"worker": 1, "pid": 7, "resident_memory_bytes": 1 << 20, "restarts": 2, "status": STATUS | {"slot": 1}}
    assert told == {
        "mode": "enforce",
        "policy": {"revision": "r1"},
        "slot": 1,
        "ready": False,
        "unready_because": ["worker 0: it does not answer"],
        "audit": {"dir": "var/audit"},
        "workers": [
            {"worker": 0, "pid": None, "resident_memory_bytes": None, "restarts": 2, "status": None},
            alike,
        ],
    }


async def test_a_decision_comes_from_who_has_it_as_its_exact_bytes() -> None:
    path, records = f"/decisions/{'a' * 32}", b'[{"kind":"INTENT"},{"kind":"OUTCOME", "x":[1]}]'
    worker = well(1)
    worker.answers = {path: (200, records)}
    shown = await views(well(0), worker, dead(2)).decision("a" * 32)
    assert b"[" + b",".join(shown) + b"]" == records
    assert await views(well(0), worker).decision("b" * 32) == []
