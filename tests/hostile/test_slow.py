"""Clients that take their time: others are served meanwhile, the slow are told or cut off, memory has a bound."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from sidecar.proxy.incoming import HttpLimits
from tests.hostile.case import head, request
from tests.hostile.client import Client
from tests.hostile.peers import installed
from tests.hostile.upstream import PREDICTION, response
from tests.process import wait_until

if TYPE_CHECKING:
    from tests.hostile.rig import Rig
    from tests.hostile.upstream import Talk

MIB = 1 << 20
CONNECTIONS = 150
FLAGS = ("--body-budget", str(40 * MIB))
HEAD_TIMEOUT_S = HttpLimits().head_timeout_s
SLOWEST_S = 2.0
"""For a good request among slow ones; alone it takes some milliseconds."""
ATTACKS = {
    "slowloris": ["-H", "-i", "1", "-x", "8"],
    "slow body": ["-B", "-i", "1", "-s", "100000", "-t", "POST"],
    "slow read": ["-X", "-w", "1", "-y", "2", "-n", "1", "-z", "1"],
}


def serve_for(rig: Rig, duration_s: float) -> None:
    """Good requests, one after the other, each answered in time."""
    until_s = time.monotonic() + duration_s
    with Client(rig.address, SLOWEST_S) as client:
        while time.monotonic() < until_s:
            rig.follow(client)


@pytest.mark.parametrize("attack", ATTACKS)
def test_others_are_served_during(rig: Rig, attack: str) -> None:
    path = "/v2/models/credit/infer"
    command = [installed("slowhttptest"), *ATTACKS[attack], "-c", str(CONNECTIONS), "-r", str(CONNECTIONS), "-l", "2"]
    with subprocess.Popen([*command, "-u", rig.sidecar.url + path, "-p", "3"], stdout=subprocess.DEVNULL) as process:
        try:
            serve_for(rig, 2.5)
        finally:
            process.terminate()
    rig.check_alive()


def test_a_head_that_does_not_end_is_refused_in_time(rig: Rig) -> None:
    """Each second one more field: what counts is the head's first byte, not its last."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(rig.address, HEAD_TIMEOUT_S * 2)) for _ in range(20)]
        started_s = time.monotonic()
        for client in clients:
            client.send(b"POST /v2/models/credit/infer HTTP/1.1\r\n")
        while time.monotonic() < started_s + HEAD_TIMEOUT_S - 1:
            for client in clients:
                client.send(b"X: y\r\n")
            serve_for(rig, 1.0)
        for client in clients:
            answer = rig.note(client.answer())
            assert (answer.status, answer.codes) == (408, ("request_timeout",))
            assert client.rest() == b""


def resident_bytes(rig: Rig) -> int:
    with open(f"/proc/{rig.sidecar.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4_096


def test_bodies_that_never_end_are_memory_with_a_bound(rig: Rig) -> None:
    """Each sends 1 MiB of 8 and stops. What is over `--body-budget` is refused, and the rest is given back."""
    part = head(b"Content-Length: %d" % (8 * MIB)) + b" " * MIB
    before = resident_bytes(rig)
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(rig.address)) for _ in range(64)]
        for client in clients:
            client.send(rig.filled(part))
        rig.check_alive()
        assert resident_bytes(rig) - before < 200 * MIB
        for client in clients:
            client.end()
        statuses = [rig.note(client.answer()).status for client in clients]
        assert set(statuses) <= {400, 503}
    rig.check_alive()


def test_what_is_over_the_budget_is_refused_as_overload(rig: Rig) -> None:
    """The budget here is 40 MiB: of ten bodies of 8 MiB at once not all fit. Readiness stays green."""
    whole = request(body=b" " * (8 * MIB - 100))
    codes: set[tuple[str, ...]] = set()
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(rig.address, 30)) for _ in range(10)]
        for client in clients:
            client.send(rig.filled(whole)[:-1])
        for client in clients:
            client.send(b" ")
        for client in clients:
            answer = rig.note(client.answer())
            codes.add(answer.codes)
            assert answer.status in (400, 503)
            if answer.status == 503:
                assert int(answer.header("retry-after")) >= 1
    assert ("overloaded",) in codes
    rig.check_alive()


def test_answers_that_nobody_reads_are_let_go_of(rig: Rig) -> None:
    """Large answers to clients that read nothing and leave: the next as many find their memory free.

    The allocator gives little back to the system, so growth is measured after the first round.
    """
    large = response(b" " * (6 * MIB) + PREDICTION)

    def behaviour(talk: Talk) -> bool:
        talk.request()
        talk.send(large)
        return True

    held: list[int] = []
    for _ in range(4):
        arrived = len(rig.upstream.arrivals)
        with ExitStack() as stack:
            for _ in range(20):
                rig.upstream.behaviours.append(behaviour)
                stack.enter_context(Client(rig.address)).send(rig.filled(request()))
            wait_until(lambda arrived=arrived: len(rig.upstream.arrivals) == arrived + 20)
            rig.check_alive()
            held.append(resident_bytes(rig))
        rig.check_alive()
    assert held[-1] - held[0] < 60 * MIB, held
