"""How fast bodies are read for their attributes, beside `orjson.loads` of the same bytes."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from bench.bodies import samples
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.facts import Facts, ModelFacts
from sidecar.protocols.base import Limits
from sidecar.protocols.servers import server
from sidecar.proxy.reading import MessageReader, new_threads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import ThreadPoolExecutor

    from bench.bodies import Sample

CONSENT = ConsentFact(ConsentStatus.OFF)
FACTS = Facts("bench", {"credit": ModelFacts("credit")})
LIMITS = Limits(max_instances=1 << 20, decoded_bytes=1 << 40)


@dataclass(frozen=True, slots=True)
class Read:
    """One body, in MB (a million bytes) of it a second; of a coded one, of what it holds."""

    name: str
    has_goal: bool
    body_bytes: int
    orjson_mb_s: float
    read_mb_s: float


def reading(size_bytes: int, rounds: int) -> list[Read]:
    """The best of `rounds` for each kind of body; all kinds and both readers in turns, so that noise meets all."""
    threads = new_threads()
    try:
        return asyncio.run(_measured(list(samples(size_bytes)), threads, rounds))
    finally:
        threads.shutdown()


async def _measured(bodies: Sequence[Sample], threads: ThreadPoolExecutor, rounds: int) -> list[Read]:
    best = [(math.inf, math.inf)] * len(bodies)
    for _ in range(rounds):
        for at, sample in enumerate(bodies):
            orjson_s, read_s = best[at]
            best[at] = min(orjson_s, _orjson_s(sample)), min(read_s, await _read_s(sample, threads))
    return [
        Read(sample.name, sample.has_goal, len(sample.text), *(len(sample.text) / 1e6 / taken_s for taken_s in each))
        for sample, each in zip(bodies, best, strict=True)
    ]


def _orjson_s(sample: Sample) -> float:
    started_s = time.perf_counter()
    orjson.loads(sample.text)
    return time.perf_counter() - started_s


async def _read_s(sample: Sample, threads: ThreadPoolExecutor) -> float:
    """As the exchange reads it: in a thread, content coding undone, attributes extracted, the body let go of."""
    kind, request = server(sample.server), sample.request
    endpoint = kind.route(request.method, request.path, request.query)
    protocol = kind.protocol(endpoint)
    reader = MessageReader(LIMITS, kind.codings, threads)
    started_s = time.perf_counter()
    await reader.request(protocol, endpoint, request, FACTS, CONSENT)
    return time.perf_counter() - started_s
