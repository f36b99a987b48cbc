"""How long others wait while large JSON bodies are read: the latency of a probe through the same `sidecar run`."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import workload
from bench.bodies import KINDS
from bench.discard import discarding
from bench.processes import BenchError
from bench.stack import sidecar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

MIB = 2**20
SIZES_MIB = (0, 1, 2, 4, 8)
"""0: no bodies, only probes."""
CLIENTS = 2
"""Who send bodies: as many as the sidecar has threads that read."""
PROBE = "/v2/health/ready"
PAUSE_S = 0.001
TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Stall:
    """The latencies of the probes that were answered while bodies of one size came as fast as they were answered."""

    body_mib: int
    bodies_per_s: float
    probes: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def stalls(folder: Path, seconds: float) -> Iterator[Stall]:
    """One for each size, all of one sidecar, each over so many seconds."""
    flags = ["--body-limit", str(2 * max(SIZES_MIB) * MIB)]
    with (
        discarding() as address,
        sidecar(folder, address, mode="enforce", engine="embedded", name="stalls", flags=flags) as running,
    ):
        for size_mib in SIZES_MIB:
            yield _measured(running.address, size_mib, seconds)


def _measured(address: str, size_mib: int, seconds: float) -> Stall:
    with _load(address, size_mib) as sent:
        _probes(address, 0.2)  # the first requests make connections
        sent_before = len(sent)
        latencies_ms = sorted(_probes(address, seconds))
        bodies = len(sent) - sent_before
    at = len(latencies_ms) - 1
    return Stall(
        size_mib,
        bodies / seconds,
        len(latencies_ms),
        latencies_ms[at // 2],
        latencies_ms[at * 99 // 100],
        latencies_ms[at],
    )


@contextmanager
def _load(address: str, size_mib: int) -> Generator[list[None]]:
    """Clients that send one body after the other; yields a list that has an entry for each answered one."""
    sent: list[None] = []
    failures: list[Exception] = []
    ending = threading.Event()

    def send_all(body: bytes) -> None:
        connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
        try:
            while not ending.is_set():
                connection.request("POST", workload.PATH, body, workload.headers())
                _expect_ok(connection.getresponse())
                sent.append(None)
        except (OSError, http.client.HTTPException, BenchError) as error:
            failures.append(error)
        finally:
            connection.close()

    body = KINDS[0].sample(size_mib * MIB).text if size_mib else b""
    clients = [threading.Thread(target=send_all, args=(body,)) for _ in range(CLIENTS if body else 0)]
    for client in clients:
        client.start()
    try:
        yield sent
    finally:
        ending.set()
        for client in clients:
            client.join()
    if failures:
        raise BenchError(f"a body of {size_mib} MiB got no prediction: {failures[0]}")


def _probes(address: str, seconds: float) -> list[float]:
    """The latency of each probe, in ms, one after the other."""
    latencies_ms: list[float] = []
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        started_s = time.monotonic()
        connection.request("GET", PROBE)
        _expect_ok(connection.getresponse())
        latencies_ms.append((time.monotonic() - started_s) * 1e3)
        time.sleep(PAUSE_S)
    connection.close()
    return latencies_ms


def _expect_ok(response: http.client.HTTPResponse) -> None:
    text = response.read()
    if response.status != 200:
        raise BenchError(f"expected the upstream's answer, got {response.status}: {text[:500]!r}")
