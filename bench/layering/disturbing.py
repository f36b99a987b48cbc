"""A sidecar under a constant load while something breaks or changes: its tail, and whether anything passed unjudged.

One call in ten names a data version that nobody registered, and must be refused. A call passed unjudged where such a
one got its prediction, or where a prediction was released that no record allows.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bench import workload
from bench.figures import percentile
from bench.open_loop.calls import UNKNOWN_DATA, Call, spoiled
from bench.open_loop.outcome import reasons
from bench.processes import free_port, tree
from bench.series import Caller
from bench.stack import Given, is_opa, sidecar, upstream
from bench.vegeta import attack
from sidecar.audit.lookup import export

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from bench.stack import Sidecar
    from bench.tokens import Tokens
    from bench.vegeta import Answer, Target

BAD_EACH = 10
"""Every tenth call."""
EVENTS = 3
"""How often each disturbance happens in a run."""


@dataclass(frozen=True, slots=True)
class Disturbed:
    """What came of one run, or of several.

    `refused_besides`: good calls that were refused or not answered, for it fails closed.
    """

    name: str
    engine: str
    requests: int
    p50_ms: float
    p99_ms: float
    highest_ms: float
    refused_besides: int
    unjudged: int


@dataclass(frozen=True, slots=True)
class Disturbance:
    """`act` happens `EVENTS` times during the run, evenly; `flags` belong to the sidecar."""

    name: str
    engine: str
    act: Callable[[Sidecar, Path, int], None] | None = None
    flags: Sequence[str] = ()


def _reload(_: Sidecar, folder: Path, number: int) -> None:
    """New data, in place at once, as a mounted ConfigMap changes."""
    data = workload.data()
    data["datasets"][f"added-{number}"] = next(iter(data["datasets"].values()))
    fresh = folder / "data.new"
    fresh.write_text(json.dumps(data))
    fresh.replace(folder / "data-ours.json")


def _kill_opa(running: Sidecar, _: Path, __: int) -> None:
    for pid in filter(is_opa, tree(running.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def disturbances() -> list[Disturbance]:
    """Each engine undisturbed first."""
    nobody = f"http://127.0.0.1:{free_port()}"
    return [
        Disturbance("undisturbed", "embedded"),
        Disturbance("policy reloaded", "embedded", _reload),
        Disturbance("collector away", "embedded", flags=("--otlp", nobody)),
        Disturbance("undisturbed", "opa"),
        Disturbance("policy reloaded", "opa", _reload),
        Disturbance("OPA killed", "opa", _kill_opa),
    ]


def measure(
    folder: Path,
    tokens: Tokens,
    programs: Mapping[str, str],
    *,
    engines: Collection[str],
    rate: int,
    turns: int,
    seconds: float,
) -> list[Disturbed]:
    """Each in a sidecar of its own, one after the other, again in each turn: what a machine does besides changes."""
    known = [one for one in disturbances() if one.engine in engines and (one.engine != "opa" or "opa" in programs)]
    runs: list[list[Disturbed]] = [[] for _ in known]
    with upstream(folder, cores=()) as address:
        for turn, number in itertools.product(range(turns), range(len(known))):
            one = known[number]
            print(f"layers: turn {turn + 1} of {turns}: {one.name}, {one.engine}", file=sys.stderr, flush=True)
            own = folder / f"disturbed-{turn}-{number}"
            own.mkdir()
            runs[number].append(_disturbed(one, own, address, tokens, programs["vegeta"], rate, seconds))
    return [of_turns(found) for found in runs]


def of_turns(runs: Sequence[Disturbed]) -> Disturbed:
    """Calls of all turns, their highest time, and the medians of the percentiles."""
    return Disturbed(
        name=runs[0].name,
        engine=runs[0].engine,
        requests=sum(run.requests for run in runs),
        p50_ms=median(run.p50_ms for run in runs),
        p99_ms=median(run.p99_ms for run in runs),
        highest_ms=max(run.highest_ms for run in runs),
        refused_besides=sum(run.refused_besides for run in runs),
        unjudged=sum(run.unjudged for run in runs),
    )


def _disturbed(
    one: Disturbance, folder: Path, address: str, tokens: Tokens, vegeta: str, rate: int, seconds: float
) -> Disturbed:
    given = Given(workload.data(), tokens.key_set, "RS256")
    body = folder / "body"
    body.write_text(workload.body())
    with sidecar(
        folder, address, mode="enforce", engine=one.engine, name="ours", flags=one.flags, given=given, cores=()
    ) as running:
        Caller(tokens, body).await_prediction(running.address)
        acting = threading.Thread(target=_act, args=(one, running, folder, seconds), daemon=True)
        acting.start()
        answers = list(attack(vegeta, _targets(running.address, tokens), rate, seconds))
        acting.join()
    return _judged(one, answers, recorded(map(json.loads, export(folder / "audit-ours"))))


def _act(one: Disturbance, running: Sidecar, folder: Path, seconds: float) -> None:
    for number in range(EVENTS if one.act else 0):
        threading.Event().wait(seconds / (EVENTS + 1))
        assert one.act is not None
        one.act(running, folder, number)


def _targets(address: str, tokens: Tokens) -> Iterator[Target]:
    with tokens.file.open() as lines:
        known = [line.strip() for line in itertools.islice(lines, tokens.subjects)]
    versions = [f"loans-{number}" for number in range(workload.DATA_VERSIONS)]
    call = Call(f"http://{address}", "v2", "credit", versions, "credit_scoring", known)
    for number in itertools.count():
        target = call.target(number)
        yield spoiled(target, "unknown-data") if number % BAD_EACH == BAD_EACH - 1 else target


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the log has: predictions released that it allows in both phases, and those released that it must not."""

    allowed: int
    wrong: int


def recorded(records: Iterable[Mapping[str, Any]]) -> Recorded:
    """Of all records, in order. Vegeta does not tell which call an answer belongs to; the log does."""
    allowing: dict[str, bool] = {}  # decision id to whether the data version is one that nobody registered
    allowed = wrong = 0
    for record in records:
        if record["kind"] == "INTENT" and record["decision"]["allow"]:
            allowing[record["decision_id"]] = record["input"]["attributes"]["data_version"]["value"] == UNKNOWN_DATA
        if record["kind"] == "OUTCOME" and record["result"] == "released":
            is_wrong = allowing.get(record["decision_id"], True) or not record["decision"]["allow"]
            wrong, allowed = wrong + is_wrong, allowed + (not is_wrong)
    return Recorded(allowed, wrong)


def _judged(one: Disturbance, answers: Sequence[Answer], kept: Recorded) -> Disturbed:
    ordered = sorted(answer.latency_s * 1e3 for answer in answers)
    released = sum(answer.status == 200 for answer in answers)
    as_bad = sum("data_version_unknown" in reasons(answer) for answer in answers)
    return Disturbed(
        name=one.name,
        engine=one.engine,
        requests=len(answers),
        p50_ms=percentile(ordered, 50),
        p99_ms=percentile(ordered, 99),
        highest_ms=ordered[-1],
        refused_besides=len(answers) - released - as_bad,
        unjudged=kept.wrong + max(0, released - kept.allowed),
    )
