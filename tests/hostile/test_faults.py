"""A model server that fails in every way: the client is told, an OUTCOME says why, the next one is unharmed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.hostile.case import request
from tests.hostile.client import Client, Ended
from tests.hostile.faults import FAULTS, OK, Fault
from tests.hostile.upstream import PREDICTION, response
from tests.process import fetch, wait_until

if TYPE_CHECKING:
    from typing import Any

    from tests.hostile.client import Answer
    from tests.hostile.rig import Rig
    from tests.hostile.upstream import Talk

FLAGS = ("--upstream-timeout-s", "0.7")


def call(rig: Rig, client: Client, sent: bytes | None = None) -> Answer:
    client.send(rig.filled(sent or request()))
    return rig.note(client.answer())


def outcome(rig: Rig, answer: Answer) -> dict[str, Any]:
    records = fetch(f"{rig.sidecar.admin_url}/decisions/{answer.header('x-decision-id')}").json
    assert [record["kind"] for record in records] == ["INTENT", "OUTCOME"]
    return records[1]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault(rig: Rig, fault: Fault) -> None:
    rig.upstream.behaviours.append(fault.behaviour)
    before = len(rig.upstream.arrivals)
    with Client(rig.address) as client:
        answer = call(rig, client)
        record = outcome(rig, answer)
        assert (answer.status, record["result"], record["status"]) == (fault.status, fault.result, fault.status)
        if fault.status == 200:
            assert answer.body == PREDICTION
            assert answer.header("set-cookie") == ""
        else:
            assert answer.codes == (fault.code,)
            assert [reason["code"] for reason in record["decision"]["reasons"]] == [fault.code]
        assert len(rig.upstream.arrivals) == before + 1
        rig.follow(client)
    rig.check_alive()


def test_an_error_of_the_models_own_passes(rig: Rig) -> None:
    body = b'{"error":"no such model"}'
    rig.upstream.behaviours.append(answers(response(body, status=b"500 Oh")))
    with Client(rig.address) as client:
        answer = call(rig, client)
        assert (answer.status, answer.body) == (500, body)
        assert outcome(rig, answer)["result"] == "released"
        rig.follow(client)


def answers(data: bytes, *, keeps: bool = True) -> Any:
    def behaviour(talk: Talk) -> bool:
        talk.request()
        talk.send(data)
        return keeps

    return behaviour


LARGE = request(body=b" " * 4_000_000 + request().partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("keeps", [True, False])
def test_an_answer_before_the_request_is_read(rig: Rig, keeps: bool) -> None:
    """The model server refuses from the head alone. Its answer may get lost; nothing may be mixed up."""

    def behaviour(talk: Talk) -> bool:
        arrival = talk.head()
        talk.send(response(b"{}", status=b"413 Too Large"))
        if keeps:
            talk.body(arrival)
        return keeps

    rig.upstream.behaviours.append(behaviour)
    with Client(rig.address) as client:
        answer = call(rig, client, LARGE)
        assert answer.status in (413, 502)
        assert outcome(rig, answer)["status"] == answer.status
        rig.follow(client)


def test_one_clients_cookie_is_nobody_elses(rig: Rig) -> None:
    with Client(rig.address) as first, Client(rig.address) as second:
        rig.upstream.behaviours.append(answers(response(PREDICTION, b"Set-Cookie: user=first", b"ETag: x")))
        assert call(rig, first).header("set-cookie") == "user=first"
        assert call(rig, second).header("set-cookie") == ""
        call(rig, first)
    for arrival in rig.upstream.arrivals[-3:]:
        assert arrival.values(b"cookie") == arrival.values(b"if-none-match") == []


def test_what_is_ours_is_not_the_models_to_say(rig: Rig) -> None:
    ours = (b"X-Decision-Id: forged", b"X-Policy-Revision: forged", b"X-Request-Id: forged", b"X-Decision-Fallback: 1")
    others = (b"X-Consent-Token: x", b'Alt-Svc: h3=":443"', b"Connection: X-Hop", b"X-Hop: y", b"Keep-Alive: 5")
    rig.upstream.behaviours.append(answers(response(PREDICTION, *ours, *others)))
    with Client(rig.address) as client:
        answer = call(rig, client)
        assert answer.header("x-policy-revision") == rig.sidecar.ready["policy_revision"]
        assert "forged" not in str(answer.fields)
        gone = ("x-decision-fallback", "x-consent-token", "alt-svc", "x-hop", "keep-alive", "connection")
        assert [name for name in gone if answer.header(name)] == []


def test_a_surplus_answer_is_not_the_next_ones(rig: Rig) -> None:
    """It waits in the connection's buffer when the next request is written, if that connection is used again."""
    with Client(rig.address) as client:
        for _ in range(20):
            rig.upstream.behaviours.append(answers(response() + response(b'{"stolen":1}')))
            assert call(rig, client).body == PREDICTION
            rig.follow(client)


def test_connections_that_close_as_the_next_request_comes(rig: Rig) -> None:
    """A keep-alive race: never sent twice (the oracle looks), never a hang; 502 only where it may have been read."""

    def last(talk: Talk) -> bool:
        talk.request()
        talk.send(response())
        return False

    with Client(rig.address) as client:
        for _ in range(50):
            rig.upstream.behaviours.append(last)
            statuses = {call(rig, client).status, call(rig, client).status}
            rig.upstream.behaviours.clear()
            assert statuses <= {200, 502}
        rig.follow(client)


def test_idle_connections_that_were_closed_are_not_used(rig: Rig) -> None:
    with Client(rig.address) as client:
        for _ in range(20):
            rig.follow(client)
            before = rig.upstream.connections
            rig.upstream.drop_idle()
            wait_until(lambda: rig.sidecar.metrics() != "")  # a round trip through its loop: the end has arrived
            rig.follow(client)
            assert rig.upstream.connections == before + 1


def test_a_client_that_leaves_ends_the_call(rig: Rig) -> None:
    """The model server's connection is closed, so that it can stop too; the OUTCOME is `aborted`."""
    gone: list[str] = []

    def behaviour(talk: Talk) -> bool:
        arrival = talk.request()
        client.socket.close()
        talk.await_end()
        gone.append(arrival.decision_id)
        return False

    rig.upstream.behaviours.append(behaviour)
    with Client(rig.address) as client:
        client.send(rig.filled(request()))
        wait_until(lambda: bool(gone))
    url = f"{rig.sidecar.admin_url}/decisions/{gone[0]}"
    wait_until(lambda: len(fetch(url).json) == 2)
    assert fetch(url).json[1]["result"] == "aborted"
    rig.check_alive()


def test_a_half_written_answer_never_looks_whole(rig: Rig) -> None:
    """Whatever becomes of the model server, a client has a whole answer or a broken connection."""
    for size in range(0, len(PREDICTION), 20):
        data = OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(PREDICTION)
        rig.upstream.behaviours.append(answers(data + PREDICTION[:size], keeps=False))
        with Client(rig.address) as client, contextlib.suppress(Ended):
            assert call(rig, client).status == 502
