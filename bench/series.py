"""What is asked of the stacks that are compared: three series of calls, sent by wrk as fast as they are answered.

Every call is the V2 request of bench/workload.py with an RS256 token of one of 10,000 subjects and one of 300 data
versions. The series differ in what comes back, and so in what a cache can do:

returning  10,000 tokens in random order: verifications may be remembered. A token comes back with another data version
           each time, so that no policy input recurs within 300 uses of it, and no decision can be remembered
repeating  1,000 tokens in random order, each always with the same data version: decisions may be remembered too
new        every token is new: it must be verified, and the decision made. Measured last, since what it has remembered
           pushes out what the others would come back to
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import workload
from bench.processes import START_TIMEOUT_S, BenchError

if TYPE_CHECKING:
    from bench.tokens import Tokens

SERIES = {
    "returning": "10,000 tokens come back, no decision does",
    "repeating": "1,000 tokens come back, and so do their decisions",
    "new": "every token is new",
}
REPEATING_SUBJECTS = 1_000
WARM_UP_LIMIT_S = 30


@dataclass(frozen=True, slots=True)
class Throughput:
    """What wrk saw."""

    requests: int
    duration_us: int
    p50_us: int
    p99_us: int
    failed: int  # answers that were no 2xx or 3xx, and broken connections

    @property
    def predictions_per_s(self) -> float:
        """Good answers."""
        return (self.requests - self.failed) / self.duration_us * 1e6


class Caller:
    """Sends series of calls; goes on with the next new token where the last run of `new` ended."""

    def __init__(self, tokens: Tokens, body: Path, *, method: str = "POST", path: str = workload.PATH) -> None:
        """`body`: a file; an empty one goes with a GET."""
        self._tokens = tokens
        self._body = body
        self._method, self._path = method, path
        self._next: dict[str, int] = {}
        self._runs = 0

    def warm(self, address: str, connections: int) -> None:
        """Shows every token that comes back once, or as many as can be in `WARM_UP_LIMIT_S`."""
        sent, deadline_s = 0, time.monotonic() + WARM_UP_LIMIT_S
        while sent < self._tokens.subjects and time.monotonic() < deadline_s:
            sent += self._run(address, "first", connections, 2, sent).requests

    def run(self, address: str, series: str, connections: int, seconds: float) -> Throughput:
        """Raises BenchError where wrk fails."""
        self._runs += 1
        start = self._next.get(address, 0)
        seen = self._run(address, series, connections, seconds, start if series == "new" else self._runs * 7)
        if series == "new":
            self._next[address] = start + seen.requests + connections
        return seen

    def _run(self, address: str, series: str, connections: int, seconds: float, start: int) -> Throughput:
        env = {
            "BENCH_SERIES": series,
            "BENCH_HEAD": self._head(address),
            "BENCH_BODY": str(self._body),
            "BENCH_TOKENS": str(self._tokens.file),
            "BENCH_VERSIONS": str(workload.DATA_VERSIONS),
            "BENCH_SUBJECTS": str(REPEATING_SUBJECTS if series == "repeating" else self._tokens.subjects),
            "BENCH_START": str(start),
            "BENCH_SEED": str(self._runs),
        }
        return wrk(Path(__file__).with_name("series.lua"), address, connections, seconds, env)

    def await_prediction(self, address: str) -> None:
        """A load of refusals measures nothing: before long an answer must be the upstream's. Raises BenchError."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while (refusal := self._refusal(address)) is not None:
            if time.monotonic() > deadline_s:
                raise BenchError(f"expected the upstream's prediction, got {refusal}")
            time.sleep(0.1)

    def _refusal(self, address: str) -> str | None:
        with self._tokens.file.open() as lines:
            headers = workload.headers(lines.readline().strip())
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.request(self._method, self._path, self._body.read_bytes() or None, headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        connection.close()
        return None if response.status == 200 and text == workload.answer() else f"{response.status}: {text}"

    def _head(self, address: str) -> str:
        lines = [f"{self._method} {self._path} HTTP/1.1", f"Host: {address}"]
        lines += ["Content-Type: application/json", "X-Consent-Scope: credit_scoring", ""]
        return "\r\n".join(lines)


def wrk(script: Path, address: str, connections: int, seconds: float, env: dict[str, str]) -> Throughput:
    """One run of one thread."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
    done = subprocess.run(
        [*command, f"http://{address}{workload.PATH}"],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return Throughput(**json.loads(line.removeprefix("RESULT ")))
    raise BenchError(f"wrk ended with {done.returncode}:\n{done.stdout}")
