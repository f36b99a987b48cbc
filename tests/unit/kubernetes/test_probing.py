"""The node of the test cluster: probes and their thresholds."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.kubernetes.node.probing import Asker, HandlerUnknown, Tally, check_handlers


@pytest.mark.parametrize(
    ("initial", "answers", "said"),
    [
        (None, "ggg", [None, True, True]),
        (None, "bbb", [None, None, False]),
        (None, "bbgbbb", [None, None, None, None, None, False]),
        (True, "bbgbbbg", [True, True, True, True, True, False, False]),
        (False, "gbgg", [False, False, False, True]),
    ],
)
def test_a_probe_says_what_came_often_enough_in_a_row(
    initial: bool | None, answers: str, said: list[bool | None]
) -> None:
    tally, found = Tally(initial), []
    for answer in answers:
        tally = tally.after(good=answer == "g", success_threshold=2, failure_threshold=3)
        found.append(tally.is_good)
    assert found == said


def test_a_port_is_asked_by_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asker = Asker("127.0.0.1", {"http": listening.getsockname()[1]}, lambda _command, _timeout_s: False)
        assert asker.ask({"tcpSocket": {"port": "http"}}, 1)
    assert not asker.ask({"tcpSocket": {"port": "http"}}, 1)
    assert not asker.ask({"httpGet": {"port": "http"}}, 1)
    assert not asker.ask({"exec": {"command": ["false"]}}, 1)


@pytest.mark.parametrize(
    "spec",
    [
        {"livenessProbe": {"grpc": {"port": 9000}}},
        {"readinessProbe": {"httpGet": {"port": "metrics"}}},
        {"lifecycle": {"preStop": {"tcpSocket": {"port": "metrics"}}}},
    ],
)
def test_a_handler_that_cannot_be_asked_is_refused(spec: dict[str, Any]) -> None:
    known: dict[str, Any] = {"ports": [{"name": "http", "containerPort": 80}]}
    check_handlers({**known, "startupProbe": {"httpGet": {"port": "http"}}, "lifecycle": {"preStop": {"sleep": {}}}})
    with pytest.raises(HandlerUnknown):
        check_handlers({**known, **spec})
