"""Instructions of an exchange, counted in a real `sidecar run`: its HTTP, policy, log and all."""

from __future__ import annotations

import http.client
import itertools
import shutil
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench import workload
from bench.costs.callgrind import control, dumped, launcher
from bench.processes import BenchError
from bench.stack import Given, sidecar, upstream

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from bench.stack import Sidecar
    from bench.tokens import Tokens

EXCHANGES = 100
WARM_UP = 30
IDLE_S = 10
PATIENCE = ("--policy-timeout-ms", "10000")
"""Under callgrind all is some fifty times slower: a decision must not be given up for that."""
SHOWN = 8
"""Objects; the rest is `other`."""


def is_here() -> bool:
    """Whether callgrind can be run."""
    return all(map(shutil.which, ("valgrind", "callgrind_control")))


def instructions(folder: Path, tokens: Tokens) -> dict[str, dict[str, int]]:
    """By series, then by object, `total` first: instructions of an exchange, one at a time.

    What the process executes by the clock, as when it looks for a new policy, is left out.
    """
    folder.mkdir()
    counter = _Counter(folder / "callgrind.out")
    found: dict[str, dict[str, int]] = {}
    with _counted(folder, counter.out, tokens) as running:
        calls = _calls(tokens)
        _ask(running.address, itertools.islice(calls["new"], WARM_UP))
        control(running.pid, "-i", "on")
        _ask(running.address, itertools.islice(calls["new"], WARM_UP))
        counter.since_last(running.pid)
        time.sleep(IDLE_S)
        idle, idle_s = counter.since_last(running.pid)
        for series, one in calls.items():
            _ask(running.address, itertools.islice(one, WARM_UP))
            counter.since_last(running.pid)
            _ask(running.address, itertools.islice(one, EXCHANGES))
            counted, taken_s = counter.since_last(running.pid)
            found[series] = _each({name: n - idle[name] * taken_s / idle_s for name, n in counted.items()})
    return found


class _Counter:
    """Counts, and the seconds that they were taken in."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._dumps = itertools.count(1)
        self._since_s = time.monotonic()

    def since_last(self, pid: int) -> tuple[Counter[str], float]:
        counted = dumped(pid, self.out, next(self._dumps))
        taken_s, self._since_s = time.monotonic() - self._since_s, time.monotonic()
        return counted, taken_s


@contextmanager
def _counted(folder: Path, out: Path, tokens: Tokens) -> Generator[Sidecar]:
    given = Given(workload.data(), tokens.key_set, "RS256")
    under = launcher(out, sys.executable)
    with (
        upstream(folder, cores=()) as address,
        sidecar(
            folder,
            address,
            mode="enforce",
            engine="embedded",
            name="counted",
            launcher=under,
            flags=PATIENCE,
            given=given,
            cores=(),
        ) as running,
    ):
        yield running


def _calls(tokens: Tokens) -> dict[str, Iterator[tuple[str, str]]]:
    """Token and data version of each call, as bench/series.py describes them."""
    with tokens.file.open() as lines:
        known = [line.strip() for line in itertools.islice(lines, 3 * WARM_UP + EXCHANGES + 1)]
    versions = [f"loans-{number}" for number in range(workload.DATA_VERSIONS)]
    kept = known.pop()
    return {
        "new": zip(known, itertools.cycle(versions), strict=False),
        "returning": zip(itertools.repeat(kept), itertools.cycle(versions), strict=False),
        "repeating": zip(itertools.repeat(kept), itertools.repeat(versions[0]), strict=False),
    }


def _ask(address: str, calls: Iterator[tuple[str, str]]) -> None:
    connection = http.client.HTTPConnection(address, timeout=120)
    for token, version in calls:
        headers = workload.headers(token) | {"X-Data-Version": version}
        connection.request("POST", workload.PATH, workload.body(), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise BenchError(f"expected the upstream's prediction, got {answer.status}: {text!r}")
    connection.close()


def _each(counted: Mapping[str, float]) -> dict[str, int]:
    largest = sorted(counted.items(), key=lambda each: -each[1])
    shown = {name: round(count / EXCHANGES) for name, count in largest[:SHOWN]}
    total = round(sum(counted.values()) / EXCHANGES)
    return {"total": total, **shown, "other": total - sum(shown.values())}
