"""Drives vegeta: requests at a constant rate whatever becomes of them (open loop), each answer as it comes in."""

from __future__ import annotations

import base64
import csv
import json
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from bench.processes import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

WORKERS = 4_096
"""Most requests in flight. Who waits for one of them to be free waits all the same: see `Answer.latency_s`."""
CSV_LIMIT_BYTES = 2**24


@dataclass(frozen=True, slots=True)
class Target:
    """One request."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def line(self) -> str:
        """As vegeta reads it."""
        header = {name: [value] for name, value in self.headers.items()}
        body = base64.b64encode(self.body).decode()
        return json.dumps({"method": "POST", "url": self.url, "header": header, "body": body}) + "\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """`latency_s` counts from when the request was due, not from when it was sent: a generator that is held up by
    slow answers must not leave out the wait of those that it sends late (coordinated omission).

    `status` 0: none came, and `error` says why. `body` is kept of refusals only.
    """

    number: int
    due_s: float  # since the first was due
    latency_s: float
    status: int
    error: str
    body: bytes


def attack(
    vegeta: str, targets: Iterable[Target], rate: int, duration_s: float, *, timeout_s: float = 30.0
) -> Iterator[Answer]:
    """The answers in the order in which they come. `targets` must not end before the attack. Raises BenchError."""
    command = [vegeta, "attack", "-format=json", "-lazy", f"-rate={rate}/s", f"-duration={duration_s}s"]
    command += [f"-timeout={timeout_s}s", f"-max-workers={WORKERS}", "-workers=64", "-connections=1024"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attacker,
        subprocess.Popen(
            [vegeta, "encode", "--to=csv"], stdin=attacker.stdout, stdout=subprocess.PIPE, text=True
        ) as encoder,
    ):
        assert attacker.stdin is not None
        assert attacker.stdout is not None
        assert encoder.stdout is not None
        attacker.stdout.close()
        feeder = threading.Thread(target=_feed, args=(attacker.stdin, targets), daemon=True)
        feeder.start()
        yield from answers(csv.reader(encoder.stdout), rate)
        feeder.join()
    if attacker.returncode or encoder.returncode:
        raise BenchError(f"vegeta ended with {attacker.returncode}, its encoder with {encoder.returncode}")


def answers(rows: Iterable[list[str]], rate: int) -> Iterator[Answer]:
    """Of vegeta's CSV: number n was due n/rate seconds after the first one."""
    csv.field_size_limit(CSV_LIMIT_BYTES)
    started_ns: int | None = None
    for sent_ns, status, latency_ns, _, _, error, body, _, number, *_ in rows:
        due_s = int(number) / rate
        if started_ns is None:
            started_ns = int(sent_ns) - int(due_s * 1e9)
        late_s = max(0.0, (int(sent_ns) - started_ns) / 1e9 - due_s)
        refused = int(status) >= 400
        yield Answer(
            number=int(number),
            due_s=due_s,
            latency_s=late_s + int(latency_ns) / 1e9,
            status=int(status),
            error=error if int(status) == 0 else "",
            body=base64.b64decode(body) if refused else b"",
        )


def _feed(pipe: IO[str], targets: Iterable[Target]) -> None:
    """Until vegeta has enough."""
    with suppress(BrokenPipeError), pipe:
        for target in targets:
            pipe.write(target.line())
