from __future__ import annotations

import asyncio
import gzip
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.model.attributes import Attribute, Attributes, Status
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_group_source, parse_reader
from sidecar.model.message import Request, Response
from sidecar.model.prediction import Prediction
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.coding import GZIP
from sidecar.protocols.v1 import V1
from sidecar.proxy.reading import OFF_LOOP_BYTES, THREADS, Findings, MessageReader, new_threads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from concurrent.futures import ThreadPoolExecutor

pytestmark = pytest.mark.anyio

ENDPOINT = Endpoint(EndpointKind.INFER, "v1", "infer", "credit")
CONSENT = ConsentFact(ConsentStatus.OFF)
PLAN = ReadPlan(
    score=parse_reader("output:score"),
    features={"income": parse_reader("input:income")},
    group=parse_group_source("input:group"),
)
CREDIT = ModelFacts("credit", read=PLAN)
FACTS = Facts("r1", {"credit": CREDIT})
ATTRIBUTES = Attributes(
    data_version=Attribute(Status.PRESENT, "fresh", "header:X-Data-Version"),
    groups=Attribute(Status.PRESENT, ("a", "b"), "input:group"),
)
READ = Findings(Call(ENDPOINT, 2, features={"income": [1, 2]}), ATTRIBUTES)


def body(length: int = 0) -> bytes:
    """Two rows, in so many bytes at least."""
    rows = [{"income": 1, "group": "a"}, {"income": 2, "group": "b"}]
    return json.dumps({"instances": rows}).encode() + b" " * length


def request_of(sent: bytes, **headers: str) -> Request:
    fields = {"content-type": "application/json", "x-data-version": "fresh"} | headers
    named = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in fields.items())
    return Request("POST", "/v1/models/credit:predict", named, sent)


def answer_of(sent: bytes, *headers: tuple[bytes, bytes]) -> Response:
    return Response(200, ((b"content-type", b"application/json"), *headers), sent)


ANSWER = json.dumps({"predictions": [{"score": 0.5}, {"score": 0.25}]}).encode()
PREDICTION = Prediction(200, scores=(0.5, 0.25), features={"income": (1, 2)})


class Watched(V1):
    """V1 that notes who reads, and with a `gate` waits for that."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        super().__init__()
        self.gate = gate
        self.readers: list[str] = []

    def read_request(self, *arguments: Any) -> Call:
        self._note()
        return super().read_request(*arguments)

    def read_prediction(self, *arguments: Any) -> Prediction:
        self._note()
        return super().read_prediction(*arguments)

    def _note(self) -> None:
        self.readers.append(threading.current_thread().name)
        if self.gate is not None:
            assert self.gate.wait(30)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    made = new_threads()
    yield made
    made.shutdown()


def reader_of(
    threads: ThreadPoolExecutor, codings: Mapping[str, Collection[bytes]] | None = None, *, limit: int = 1 << 20
) -> MessageReader:
    return MessageReader(Limits(decoded_bytes=limit), codings or {}, threads)


@pytest.mark.parametrize(
    ("length", "is_thread"), [(0, False), (OFF_LOOP_BYTES - len(body()), False), (OFF_LOOP_BYTES, True)]
)
async def test_many_bytes_are_read_off_the_loop_and_alike(
    threads: ThreadPoolExecutor, length: int, is_thread: bool
) -> None:
    protocol, reader = Watched(), reader_of(threads)
    read = await reader.request(protocol, ENDPOINT, request_of(body(length)), FACTS, CONSENT)
    assert read == READ
    answer = answer_of(ANSWER + b" " * (length and length - len(ANSWER) + len(body())))
    assert await reader.prediction(protocol, read.call, answer, CREDIT) == PREDICTION
    assert [name.startswith("reading") for name in protocol.readers] == [is_thread, is_thread]


async def test_only_so_many_are_read_at_once(threads: ThreadPoolExecutor) -> None:
    gate = threading.Event()
    protocol, reader = Watched(gate), reader_of(threads)
    sent = request_of(body(OFF_LOOP_BYTES))
    tasks = [asyncio.create_task(reader.request(protocol, ENDPOINT, sent, FACTS, CONSENT)) for _ in range(THREADS + 2)]
    while len(protocol.readers) < THREADS:  # noqa: ASYNC110 - threads have no event for the loop
        await asyncio.sleep(0)
    small = Watched()
    assert await reader.request(small, ENDPOINT, request_of(body()), FACTS, CONSENT) == READ  # needs no thread
    assert len(protocol.readers) == THREADS
    gate.set()
    assert await asyncio.gather(*tasks) == [READ] * (THREADS + 2)


async def test_the_call_lets_go_of_the_body_but_for_declared_features(threads: ThreadPoolExecutor) -> None:
    read = await reader_of(threads).request(V1(), ENDPOINT, request_of(body()), FACTS, CONSENT)
    assert (read.call.body, read.call.features) == (None, {"income": [1, 2]})


@pytest.mark.parametrize("length", [0, OFF_LOOP_BYTES])
@pytest.mark.parametrize(
    ("sent", "headers", "code"),
    [
        (b"{", {}, "body_malformed"),
        (body(), {"content_encoding": "gzip"}, "media_type_unsupported"),
        (body(), {"x-explanation": "maybe"}, "attribute_malformed"),
    ],
)
async def test_a_refusal_comes_out_of_a_thread_as_it_is(
    threads: ThreadPoolExecutor, length: int, sent: bytes, headers: dict[str, str], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        await reader_of(threads).request(V1(), ENDPOINT, request_of(sent + b" " * length, **headers), FACTS, CONSENT)
    assert [reason.code for reason in caught.value.reasons] == [code]


async def test_a_coding_that_the_server_undoes_is_undone_under_the_limit(threads: ThreadPoolExecutor) -> None:
    coded = request_of(gzip.compress(body()), content_encoding="gzip")
    codings = {"v1": (GZIP,)}
    assert await reader_of(threads, codings).request(V1(), ENDPOINT, coded, FACTS, CONSENT) == READ
    for limit, known, code in (
        (len(body()) - 1, codings, "body_too_large"),
        (1 << 20, {"v2": (GZIP,)}, "media_type_unsupported"),
    ):
        with pytest.raises(Refused) as caught:
            await reader_of(threads, known, limit=limit).request(V1(), ENDPOINT, coded, FACTS, CONSENT)
        assert [reason.code for reason in caught.value.reasons] == [code]


async def test_a_coded_answer_is_undone_only_where_something_is_read(threads: ThreadPoolExecutor) -> None:
    reader, coding = reader_of(threads), (b"content-encoding", b"gzip")
    good, broken = answer_of(gzip.compress(ANSWER), coding), answer_of(b"no gzip data", coding)
    assert await reader.prediction(V1(), READ.call, good, CREDIT) == PREDICTION
    assert await reader.prediction(V1(), READ.call, broken, ModelFacts("other")) == Prediction(200)
    with pytest.raises(Refused) as caught:
        await reader.prediction(V1(), READ.call, broken, CREDIT)
    assert [reason.code for reason in caught.value.reasons] == ["prediction_unreadable"]


async def test_what_is_coded_is_read_off_the_loop_however_short(threads: ThreadPoolExecutor) -> None:
    # A thousand times as much may be in it.
    protocol, reader = Watched(), reader_of(threads, {"v1": (GZIP,)})
    await reader.request(protocol, ENDPOINT, request_of(gzip.compress(body()), content_encoding="gzip"), FACTS, CONSENT)
    answer = answer_of(gzip.compress(ANSWER), (b"content-encoding", b"gzip"))
    assert await reader.prediction(protocol, READ.call, answer, CREDIT) == PREDICTION
    assert [name.startswith("reading") for name in protocol.readers] == [True, True]
