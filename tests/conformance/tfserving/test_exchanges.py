"""Each documented exchange through a running sidecar: passed on to the byte, read as it is meant, or refused."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.tfserving.documented import Documented, documented
from tests.conformance.tfserving.upstream import StandIn, stand_in
from tests.process import WAIT_TIMEOUT_S, Answer, Sidecar, example_data, sidecar

if TYPE_CHECKING:
    from collections.abc import Generator

EXCHANGES = documented()
PASSED = [each for each in EXCHANGES if each.refused is None]
NOT_ROUTED = ("http_malformed", "endpoint_unknown", "method_not_allowed")
"""Reasons of what is no request to TF Serving yet, and so gets no error of its kind."""
REFUSED = [each for each in EXCHANGES if each.refused is not None]


@pytest.fixture(scope="module")
def model_server() -> Generator[StandIn]:
    with stand_in() as played:
        yield played


@pytest.fixture(scope="module")
def running(model_server: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Generator[Sidecar]:
    data = example_data() | {"models": {each.model: each.facts for each in EXCHANGES}}
    flags = ("--metadata", "allow")
    folder = tmp_path_factory.mktemp("tfserving")
    with sidecar(folder, model_server.url, *flags, server="tfserving", data=data) as process:
        yield process


def ask(running: Sidecar, model_server: StandIn, exchange: Documented) -> Answer:
    """The client's answer; what reached the model server is in `received`."""
    model_server.status, model_server.answer = exchange.status, (exchange.answer or "").encode()
    model_server.received.clear()
    host, _, port = running.ports[0].rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=WAIT_TIMEOUT_S)
    try:
        headers = exchange.headers | {"X-Consent-Token": running.issuer.token()}
        connection.request(exchange.method, exchange.path, exchange.body or None, headers)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def records(running: Sidecar, answer: Answer) -> list[dict[str, Any]]:
    decision_id = answer.headers["x-decision-id"]
    return [record for record in running.records() if record.get("decision_id") == decision_id]


def seen(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What policy and record were told, in the words of the entries' `seen`."""
    asked, prediction = records[0]["input"], (records[1]["input"] or {}).get("prediction", {})
    return {
        "operation": asked["endpoint"]["operation"],
        "model": asked["endpoint"]["model"],
        "version": asked["endpoint"]["version"],
        "instances": asked["instances"],
        "data_version": asked["attributes"]["data_version"]["source"],
        "groups": asked["attributes"]["groups"]["value"],
        "scores": prediction.get("scores"),
        "labels": prediction.get("labels"),
    }


@pytest.mark.parametrize("exchange", PASSED, ids=lambda each: each.what)
def test_passed_on(running: Sidecar, model_server: StandIn, exchange: Documented) -> None:
    answer = ask(running, model_server, exchange)
    assert (answer.status, answer.headers["content-type"], answer.body) == (
        exchange.status,
        "application/json",
        model_server.answer,
    )
    (received,) = model_server.received
    assert (received.method, received.path, received.body) == (exchange.method, exchange.path, exchange.body)
    for name in ("content-type", "content-encoding"):
        assert received.headers.get(name) == exchange.headers.get(name.title())
    if exchange.seen is None:
        return
    whole = {
        "operation": "infer",
        "model": exchange.model,
        "version": None,
        "data_version": "header:X-Data-Version",
        "groups": ["a"] * exchange.seen["instances"],
        "scores": None,
        "labels": None,
    }
    assert seen(records(running, answer)) == whole | exchange.seen


@pytest.mark.parametrize("exchange", REFUSED, ids=lambda each: each.what)
def test_refused(running: Sidecar, model_server: StandIn, exchange: Documented) -> None:
    answer = ask(running, model_server, exchange)
    assert exchange.refused in answer.codes
    assert ("error" in answer.json) is (exchange.refused not in NOT_ROUTED)
    assert len(model_server.received) == (exchange.answer is not None)


def test_all_kinds_of_exchange_are_there() -> None:
    assert len({each.what for each in EXCHANGES}) == len(EXCHANGES)
    methods = {each.path.rpartition(":")[2] for each in PASSED if each.method == "POST"}
    assert methods == {"predict", "classify", "regress"}
