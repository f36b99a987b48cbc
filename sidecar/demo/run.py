"""The demo from start to end: prepare, serve, replay, measure, read the trail, report."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sidecar.demo.applications import load, split
from sidecar.demo.calls import GOOD, UNFAIR, Caller, kinds
from sidecar.demo.fairness import fairness_of
from sidecar.demo.model_server import NAME
from sidecar.demo.people import ALGORITHM, AUDIENCE, ISSUER, Issuer
from sidecar.demo.policy_data import policy_data
from sidecar.demo.processes import server
from sidecar.demo.provoking import CALLS_LIMIT, provoke
from sidecar.demo.replay import WARM_UP_CALLS, Clients
from sidecar.demo.report import Setting, show
from sidecar.demo.skewed import SKEWED, resample, skew
from sidecar.demo.summary import summarise
from sidecar.demo.trail import differences, read_trail
from sidecar.demo.training import area_under_roc, group_means, train
from sidecar.demo.workspace import workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from sidecar.demo.applications import Application
    from sidecar.demo.credit_model import CreditModel
    from sidecar.demo.provoking import Provoked
    from sidecar.demo.replay import Answer, Latency
    from sidecar.demo.summary import Findings
    from sidecar.demo.workspace import Workspace

MEASURED_PAIRS = 300
STOPPED = 130
"""The exit code after Ctrl-C or SIGTERM, by convention."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose. `requests` None: each held-back application once."""

    engine: str
    root: Path
    requests: int | None
    seed: int
    as_json: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """The model and its unfair variant, its policy's group means, and the people who will call."""

    model: CreditModel
    skewed: CreditModel
    training: Sequence[Application]
    held_back: Sequence[Application]
    group_means: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen while the servers ran. `inferences`: those made for the sidecar."""

    ready: Mapping[str, str]
    replayed: Sequence[Answer]
    measured: Sequence[Answer]
    provoked: Provoked
    latency: Latency
    inferences: int


class Steps:
    """The progress bar: one line a step, on standard error."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @contextmanager
    def step(self, text: str, total: int = 1) -> Generator[Callable[[], None]]:
        """A step of `total` parts; yields what to call after each. Of one part: done when the block is."""
        task = self._progress.add_task(text, total=total)
        yield lambda: self._progress.advance(task)
        self._progress.update(task, completed=total)


def run(options: Options) -> int:
    """Runs the demo and prints its findings; the exit code. Raises DemoFailed where it cannot run."""
    started_s = time.monotonic()
    terminal = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with workspace(options.root) as place:
            with Progress(*columns, console=terminal) as progress:
                steps = Steps(progress)
                prepared = _prepare(options, steps)
                observed = asyncio.run(_serve_and_call(prepared, options, place, steps))
                findings = _find(prepared, observed, place, steps)
            setting = _setting(prepared, observed, place, time.monotonic() - started_s)
    except (KeyboardInterrupt, asyncio.CancelledError):
        terminal.print("Stopped; nothing is left running.")
        return STOPPED
    _tell(findings, setting, as_json=options.as_json)
    return 1 if findings.differences else 0


def _prepare(options: Options, steps: Steps) -> Prepared:
    with steps.step("Reading real mortgage applications"):
        training, held_back = split(load(), options.seed)
    with steps.step("Training a credit model"):
        model = train(training)
    return Prepared(model, skew(model, training), training, held_back, group_means(model, training))


async def _serve_and_call(prepared: Prepared, options: Options, place: Workspace, steps: Steps) -> Observed:
    _stop_on_signals()
    now_unix_s = time.time()
    issuer = Issuer()
    _write(prepared, issuer, place, now_unix_s)
    caller = Caller(issuer, Issuer(), now_unix_s)
    async with AsyncExitStack() as running:
        with steps.step("Starting the model server"):
            arguments = [f"{NAME}={place.model}", f"{SKEWED}={place.skewed_model}"]
            model = await running.enter_async_context(
                server("sidecar.demo.model_server", arguments, place.log("model-server"))
            )
        with steps.step("Starting the sidecar and its policy engine"):
            arguments = arguments_of(options, place, model["listen"])
            ready = await running.enter_async_context(server("sidecar", arguments, place.log("sidecar")))
        clients = await running.enter_async_context(aclosing(Clients(ready["listen"], model["listen"])))
        return await _call(prepared, options, place, ready=ready, clients=clients, caller=caller, steps=steps)


async def _call(
    prepared: Prepared,
    options: Options,
    place: Workspace,
    *,
    ready: Mapping[str, str],
    clients: Clients,
    caller: Caller,
    steps: Steps,
) -> Observed:
    people = prepared.held_back
    replay = kinds(options.requests or len(people), options.seed)
    pairs = [GOOD] * (WARM_UP_CALLS + MEASURED_PAIRS)
    with steps.step(f"Replaying applications (engine: {ready['engine']})", len(replay)) as advance:
        replayed = await clients.replay(caller.calls(people, replay), advance)
    with steps.step("Measuring latency", len(pairs)) as advance:
        latency, measured = await clients.measure(caller.calls(people, pairs), advance)
    with steps.step("Asking a skewed model until it is throttled", CALLS_LIMIT) as advance:
        drawn = resample(people, CALLS_LIMIT, options.seed)
        provoked = await provoke(clients, caller.calls(drawn, [UNFAIR] * CALLS_LIMIT), advance, place.audit_dir)
    inferences = await clients.inferences() - len(pairs)
    return Observed(ready, replayed, measured, provoked, latency, inferences)


def _stop_on_signals() -> None:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does: with its servers."""
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _write(prepared: Prepared, issuer: Issuer, place: Workspace, now_unix_s: float) -> None:
    place.model.write_text(prepared.model.to_json(), encoding="utf-8")
    place.skewed_model.write_text(prepared.skewed.to_json(), encoding="utf-8")
    place.key_set.write_text(json.dumps(issuer.key_set(), indent=2), encoding="utf-8")
    data = policy_data(now_unix_s, prepared.group_means)
    place.data.write_text(json.dumps(data, indent=2), encoding="utf-8")


def arguments_of(options: Options, place: Workspace, upstream: str) -> list[str]:
    """The demo's `sidecar run …` before a model server at `upstream` (host:port)."""
    flags = {
        "upstream": f"http://{upstream}",
        "server": "mlserver",
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "engine": options.engine,
        "data": place.data,
        "consent-keys": place.key_set,
        "consent-issuer": ISSUER,
        "consent-audience": AUDIENCE,
        "consent-algorithms": ALGORITHM,
        "audit-dir": place.audit_dir,
    }
    return ["run", *(f"--{name}={value}" for name, value in flags.items())]


def _find(prepared: Prepared, observed: Observed, place: Workspace, steps: Steps) -> Findings:
    with steps.step("Reading the audit trail"):
        trail = read_trail(place.audit_dir)
        answers = [*observed.replayed, *observed.measured, *observed.provoked.answers]
        found = differences(answers, trail, observed.inferences)
        fairness = fairness_of(place, observed.provoked)
    return summarise(
        observed.replayed,
        trail,
        observed.latency,
        policy_means=prepared.group_means,
        fairness=fairness,
        differences=found,
    )


def _setting(prepared: Prepared, observed: Observed, place: Workspace, total_s: float) -> Setting:
    return Setting(
        training=len(prepared.training),
        held_back=len(prepared.held_back),
        area_under_roc=area_under_roc(prepared.model, prepared.held_back),
        approve_from=prepared.model.approve_from,
        engine=observed.ready["engine"],
        policy_revision=observed.ready["policy_revision"],
        audit_dir=place.audit_dir,
        sidecar_command=_sidecar_command(),
        total_s=total_s,
    )


def _sidecar_command() -> str:
    """How this very environment's `sidecar` is called from here."""
    beside = Path(sys.executable).with_name("sidecar")
    if not beside.exists():
        return f"{sys.executable} -m sidecar"
    return str(beside.relative_to(Path.cwd())) if beside.is_relative_to(Path.cwd()) else str(beside)


def _tell(findings: Findings, setting: Setting, *, as_json: bool) -> None:
    console = Console(highlight=False)
    if not as_json:
        show(findings, setting, console)
        return
    shape = {**findings.as_json(), **asdict(setting), "audit_dir": str(setting.audit_dir)}
    sys.stdout.write(json.dumps(shape, indent=2) + "\n")
