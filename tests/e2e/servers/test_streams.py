"""Streams: refused where answers are judged and the facts say nothing, judged as a whole, or passed as they come."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.servers.dialects import MLSERVER, OPENAI, TRITON_GENERATE, Body, Dialect, chat, generate, v2
from tests.e2e.servers.guarded import Guarded, guarded, server_of
from tests.e2e.servers.wire import compared
from tests.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from tests.servers.process import ModelServer

pytestmark = pytest.mark.heavy

STORY = "/v2/models/story/generate_stream"
UNJUDGED = {"rules": dict.fromkeys(("explanation", "group_mean_band", "disparate_impact", "fairness_band"), "off")}


@dataclass(frozen=True)
class Stream:
    """How a dialect is asked for a stream."""

    dialect: Dialect
    path: str
    body: Callable[[Sequence[float]], Body]

    def __str__(self) -> str:
        return self.path.rpartition("/models/")[2] if "/models/" in self.path else self.dialect.name


def told(scores: Sequence[float]) -> Body:
    return {"text_input": " ".join(map(str, scores))}


def chat_stream(scores: Sequence[float]) -> Body:
    return chat(scores) | {"stream": True}


MLSERVER_STREAMS = (
    Stream(MLSERVER, "/v2/models/credit/infer_stream", v2),
    Stream(MLSERVER, "/v2/models/credit/generate_stream", v2),
)
TRITON_STREAMS = (
    Stream(TRITON_GENERATE, "/v2/models/credit/generate_stream", generate),
    Stream(TRITON_GENERATE, STORY, told),
)
OPENAI_STREAMS = (Stream(OPENAI, "/v1/chat/completions", chat_stream),)
BY_DIALECT = {"mlserver": MLSERVER_STREAMS, "triton-generate": TRITON_STREAMS, "openai": OPENAI_STREAMS}


@pytest.fixture(scope="module", params=[MLSERVER, TRITON_GENERATE, OPENAI], ids=str)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


only_triton = pytest.mark.parametrize("dialect", [TRITON_GENERATE], ids=str, indirect=True)


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest, dialect: Dialect) -> ModelServer:
    return server_of(dialect, request)


def running(
    dialect: Dialect, real: ModelServer, factory: pytest.TempPathFactory, *flags: str, **facts: Any
) -> Generator[Guarded]:
    with guarded(factory.mktemp(dialect.name), dialect, real, *flags, **facts) as server:
        yield server


@pytest.fixture(scope="module")
def refusing(dialect: Dialect, real: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Guarded]:
    yield from running(dialect, real, tmp_path_factory)


@pytest.fixture(scope="module")
def judging(dialect: Dialect, real: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Guarded]:
    yield from running(dialect, real, tmp_path_factory, stream="judge")


@pytest.fixture(scope="module")
def passing(dialect: Dialect, real: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Guarded]:
    yield from running(dialect, real, tmp_path_factory, **UNJUDGED)


@pytest.fixture(scope="module")
def shadowing(dialect: Dialect, real: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Guarded]:
    yield from running(dialect, real, tmp_path_factory, "--mode", "shadow")


def test_a_stream_is_refused_unless_the_facts_say_otherwise(refusing: Guarded) -> None:
    for stream in BY_DIALECT[refusing.dialect.name]:
        with refusing.not_reached():
            answer = refusing.call(stream.body([0.5]), stream.path)
        assert (answer.status, answer.codes, refusing.kinds(answer)) == (403, ["stream_forbidden"], ["REFUSAL"])


def test_a_judged_stream_is_released_as_it_came(judging: Guarded) -> None:
    for stream in BY_DIALECT[judging.dialect.name]:
        body = stream.body([0.5])
        answer = judging.call(body, stream.path)
        assert answer.status == 200, answer.body
        assert compared(answer) == compared(judging.direct(body, stream.path))
        assert judging.kinds(answer) == ["INTENT", "OUTCOME released"]


def test_a_judged_stream_that_a_rule_forbids_is_not_released(judging: Guarded) -> None:
    for stream in BY_DIALECT[judging.dialect.name]:
        answer = judging.call(stream.body([0.9]), stream.path)
        expected = "score_out_of_band" if "score" in judging.dialect.read else "said_too_much"
        assert (answer.status, answer.codes) == (403, [expected])
        assert judging.kinds(answer) == ["INTENT", "OUTCOME refused"]


def test_an_unjudged_stream_passes_as_it_comes(passing: Guarded) -> None:
    for stream in BY_DIALECT[passing.dialect.name]:
        for score in (0.5, 0.9):
            body = stream.body([score])
            answer = passing.call(body, stream.path)
            assert answer.status == 200, answer.body
            assert compared(answer) == compared(passing.direct(body, stream.path))
            assert passing.kinds(answer) == ["INTENT", "OUTCOME released"]


def test_the_request_of_a_stream_is_judged_always(passing: Guarded, shadowing: Guarded) -> None:
    for stream in BY_DIALECT[passing.dialect.name]:
        with passing.not_reached():
            answer = passing.call(stream.body([0.5]), stream.path, X_Data_Version="stale")
        assert (answer.status, answer.codes) == (403, ["data_stale"])
        body = stream.body([0.9])
        answer = shadowing.call(body, stream.path, X_Data_Version="stale")
        assert compared(answer) == compared(shadowing.direct(body, stream.path))


@only_triton
def test_a_stream_of_pieces_is_judged_whole(judging: Guarded) -> None:
    good = told([0.5] * 50)
    answer = judging.call(good, STORY)
    assert compared(answer) == compared(judging.direct(good, STORY))
    assert answer.body.count(b"data: ") == 50
    # One other score among many: none speaks for the rest, and nothing of it is released.
    answer = judging.call(told([0.5] * 50 + [0.9]), STORY)
    assert (answer.status, answer.codes) == (502, ["prediction_unreadable"])
    assert b"text_output" not in answer.body


@only_triton
@pytest.mark.usefixtures("dialect")
@pytest.mark.parametrize("how", ["judging", "passing"])
def test_a_client_that_leaves_ends_the_stream(how: str, request: pytest.FixtureRequest) -> None:
    server: Guarded = request.getfixturevalue(how)
    # The model speaks for a second or so, while the client is gone at the first word.
    body = json.dumps(told([0.5] * 10_000)).encode()
    before = len(server.tap.sent)
    address = urlsplit(server.sidecar.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as client:
        head = "".join(f"{name}: {value}\r\n" for name, value in server.headers().items())
        lines = f"POST {STORY} HTTP/1.1\r\nHost: sidecar\r\nContent-Length: {len(body)}\r\n{head}\r\n"
        client.sendall(lines.encode() + body)
        wait_until(lambda: len(server.tap.sent) > before + len(body))
        if how == "passing":
            assert client.recv(12) == b"HTTP/1.1 200"
    wait_until(lambda: server.sidecar.records()[-1].get("result") == "aborted")
    assert server.call(path=TRITON_GENERATE.path).status == 200
