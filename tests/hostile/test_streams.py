"""A streamed answer that goes wrong on its way: it never looks whole, and its OUTCOME says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.case import VERSION, request
from tests.hostile.client import Client, Ended
from tests.hostile.unjudged import DATA
from tests.process import fetch, wait_until

__all__ = ["DATA"]

if TYPE_CHECKING:
    from tests.hostile.rig import Rig
    from tests.hostile.upstream import Talk

SERVER = "openai"
FLAGS = ("--upstream-timeout-s", "0.7")
LINE = b"POST /v1/completions HTTP/1.1"
BODY = b'{"model":"credit","prompt":"x"%b}'
FOLLOW_UP = request(body=BODY % b"", line=LINE)
STREAMED = request(body=BODY % b',"stream":true', line=LINE)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"data: {}\n\n"
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
BREAKS = {
    "dies": b"",
    "dies in a chunk": b"ff\r\ndata",
    "garbage for a size": b"zz\r\n",
    "LF for a line end": b"1\nx\n",
    "size beyond 64 bits": b"10000000000000001\r\n",
    "stalls": None,
}
"""What a model server says after some events, and then it closes; None: nothing, until the sidecar has had enough."""


def arrived(rig: Rig) -> str:
    return rig.upstream.arrivals[-1].decision_id


def outcome(rig: Rig, decision_id: str) -> str:
    url = f"{rig.sidecar.admin_url}/decisions/{decision_id}"
    wait_until(lambda: len(fetch(url).json) == 2)
    return str(fetch(url).json[1]["result"])


def broken_off(rig: Rig, client: Client) -> bool:
    """Cut in the middle; or a 502, where it broke before anything of it was passed on."""
    try:
        return rig.note(client.answer()).status == 502
    except Ended:
        return True


def test_a_whole_stream_passes(rig: Rig) -> None:
    def behaviour(talk: Talk) -> bool:
        talk.request()
        talk.send(HEAD + CHUNK * 3 + b"0\r\n\r\n")
        return True

    rig.upstream.behaviours.append(behaviour)
    with Client(rig.address) as client:
        client.send(rig.filled(STREAMED))
        answer = rig.note(client.answer())
        assert (answer.status, answer.body) == (200, EVENT * 3)
        assert outcome(rig, answer.header("x-decision-id")) == "released"
        rig.follow(client)


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
def test_one_that_breaks_off_never_looks_whole(rig: Rig, end: bytes | None) -> None:
    def behaviour(talk: Talk) -> bool:
        talk.request()
        talk.send(HEAD + CHUNK * 3)
        talk.await_end() if end is None else talk.send(end)
        return False

    rig.upstream.behaviours.append(behaviour)
    with Client(rig.address) as client:
        client.send(rig.filled(STREAMED))
        assert broken_off(rig, client)
    assert outcome(rig, arrived(rig)) == "failed"
    rig.check_alive()


def test_a_client_that_leaves_ends_it(rig: Rig) -> None:
    ended: list[str] = []

    def behaviour(talk: Talk) -> bool:
        arrival = talk.request()
        talk.send(HEAD + CHUNK)
        talk.await_end()
        ended.append(arrival.decision_id)
        return False

    rig.upstream.behaviours.append(behaviour)
    with Client(rig.address) as client:
        client.send(rig.filled(STREAMED))
        wait_until(lambda: EVENT in client.socket.recv(65_536))
    wait_until(lambda: bool(ended))
    assert outcome(rig, ended[0]) == "aborted"
    rig.check_alive()


def test_a_refused_stream_is_refused_before_the_model(rig: Rig) -> None:
    before = len(rig.upstream.arrivals)
    with Client(rig.address) as client:
        stale = request(b"X-Data-Version: stale", body=BODY % b',"stream":true', line=LINE, without=(VERSION,))
        client.send(rig.filled(stale))
        assert rig.note(client.answer()).status == 403
        assert len(rig.upstream.arrivals) == before
        rig.follow(client)


def test_a_body_that_names_two_models_is_refused(rig: Rig) -> None:
    twice = b'{"model":"credit","prompt":"x","mod\\u0065l":"other"}'
    with Client(rig.address) as client:
        client.send(rig.filled(request(body=twice, line=LINE)))
        assert rig.note(client.answer()).status == 400
        rig.follow(client)
