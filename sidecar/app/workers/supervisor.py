"""`sidecar run --workers N`: what all workers share, their start, and an end that loses nothing.

A worker that dies is started again, and one that hangs is killed for it. One whose audit log broke ends all of them,
non-zero (contract 8: "After a failed fsync: exit non-zero"): they write to one disk, and nobody knows what of it is
true until each log is recovered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from typing import TYPE_CHECKING

import uvloop

from sidecar.app.outward import DRAIN_S, admin_servers, log_to_stderr, tell_ports, tell_ready
from sidecar.app.ports import bind, unix_listener
from sidecar.app.probing import Prober
from sidecar.app.problems import StartProblems
from sidecar.app.windows import MEMORY, terms
from sidecar.app.workers.channel import Assignment, Kind
from sidecar.app.workers.counters import Counters, make_memory
from sidecar.app.workers.engine import SharedEngine, shared_binary
from sidecar.app.workers.process import Worker
from sidecar.app.workers.views import PodViews
from sidecar.audit.policies import KeptPolicies
from sidecar.fairness.memory_store import MemoryStore
from sidecar.fairness.socket_store import served
from sidecar.model.clock import SystemClock
from sidecar.policy.private_dir import PrivateDir, remove_stale
from sidecar.ship.destination import LAST_ROUNDS_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from sidecar.app.ports import Ports
    from sidecar.app.workers.channel import Word
    from sidecar.policy.followed import Told
    from sidecar.settings import Settings

FOLDER_PREFIX = "sidecar-workers-"
WINDOWS_SOCKET = "windows.sock"
END_S = DRAIN_S + 10.0 + max(LAST_ROUNDS_S.values()) + 3.0
"""What a worker may need for its end: requests, the log's last checkpoint, shipping's last rounds. Then SIGKILL."""

logger = logging.getLogger("sidecar")


def supervise(settings: Settings) -> int:
    """Serves with several workers until a signal; the exit code. Raises StartProblems."""
    log_to_stderr()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_supervise(settings))


async def _supervise(settings: Settings) -> int:
    async with contextlib.AsyncExitStack() as stack:
        ports = bind(settings, stack)
        remove_stale(FOLDER_PREFIX)
        folder = PrivateDir(FOLDER_PREFIX)
        stack.callback(folder.close)
        await stack.enter_async_context(_window_store(settings, folder.path))
        return await Supervisor(settings, ports, folder.path).until_stopped()


@contextlib.asynccontextmanager
async def _window_store(settings: Settings, folder: Path) -> AsyncGenerator[None]:
    """What workers share windows and throttles through, where no Redis is given."""
    if settings.window_store != MEMORY:
        yield
        return
    spans = terms(settings)
    store = MemoryStore(SystemClock(), spans.span_s, spans.epoch_s, replicas_least=settings.workers)
    try:
        listener = unix_listener(folder / WINDOWS_SOCKET)
    except OSError as error:
        raise StartProblems([f"{folder / WINDOWS_SOCKET}: {error}; set TMPDIR to another folder"]) from None
    async with served(store, listener):
        yield


class Supervisor:
    """All workers, and what they share, from the first start to the last end."""

    def __init__(self, settings: Settings, ports: Ports, folder: Path) -> None:
        self._settings = settings
        self._ports = ports
        self._stop = asyncio.Event()
        self._spoken = asyncio.Event()
        self._first_words: dict[int, Word] = {}
        self._broke = False
        self._announced = False
        memory_fd = make_memory(settings.workers)
        counters = Counters(memory_fd, settings.workers)
        binary = shared_binary(settings)
        self._workers = [
            Worker(self._assignment(slot, folder, memory_fd, follows=binary is not None), counters, self._hear)
            for slot in range(settings.workers)
        ]
        self._views = PodViews(self._workers, str(settings.audit_dir), Prober(settings.probes).probes)
        clock = SystemClock()
        keeper = KeptPolicies(settings.audit_dir, clock)
        self._engine = SharedEngine(settings, binary, clock, keeper, self._tell) if binary is not None else None

    async def until_stopped(self) -> int:
        """Serves; returns the exit code when all is down. Raises StartProblems."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        admins = admin_servers(self._views, self._ports, is_private=self._settings.admin.is_loopback)
        serving = [loop.create_task(server.serve([bound])) for server, bound in admins]
        tell_ports(self._ports)
        try:
            return await self._run()
        finally:
            for server, _ in admins:
                server.should_exit = True
            await asyncio.gather(*serving, return_exceptions=True)

    async def _run(self) -> int:
        starting = asyncio.create_task(self._start())
        starting.add_done_callback(self._started)
        await self._stop.wait()
        starting.cancel()
        await asyncio.wait([starting])
        statuses = await self._end()
        if not starting.cancelled():
            starting.result()
        return 1 if self._broke or any(statuses) else 0

    def _started(self, starting: asyncio.Task[None]) -> None:
        if not starting.cancelled() and starting.exception() is not None:
            self._stop.set()

    async def _start(self) -> None:
        """Starts all; raises StartProblems with what keeps any of them from starting, each problem once."""
        await asyncio.gather(*(worker.start() for worker in self._workers))
        if self._engine is not None:
            await self._engine.start()
        while len(self._first_words) < len(self._workers):
            self._spoken.clear()
            await self._spoken.wait()
        problems = dict.fromkeys(text for word in self._first_words.values() for text in word.texts)
        if problems:
            raise StartProblems(list(problems))

    async def _end(self) -> list[int]:
        self._views.stopping = True
        logger.info("stopping: up to %s s for what is in flight", DRAIN_S)
        self._ports.data.close()  # with the workers' copies the port is closed
        statuses = await asyncio.gather(*(worker.end(END_S) for worker in self._workers))
        if self._engine is not None:
            await self._engine.aclose()
        return statuses

    def _assignment(self, slot: int, folder: Path, counters_fd: int, *, follows: bool) -> Assignment:
        is_shared_here = self._settings.window_store == MEMORY
        return Assignment(
            settings=self._settings.model_dump(mode="json"),
            slot=slot,
            listener_fd=self._ports.data.fileno(),
            counters_fd=counters_fd,
            admin_socket=str(folder / f"{slot}.sock"),
            window_socket=str(folder / WINDOWS_SOCKET) if is_shared_here else None,
            follows=follows,
        )

    def _tell(self, told: Told) -> None:
        for worker in self._workers:
            worker.tell(told)

    def _hear(self, worker: Worker, word: Word) -> None:
        self._first_words.setdefault(worker.slot, word)
        self._spoken.set()
        if word.kind is Kind.BROKE:
            logger.critical("worker %d: the audit log broke: stopping all", worker.slot)
            self._broke = True
            self._stop.set()
        elif word.kind is Kind.READY and not self._announced:
            self._announce(word)

    def _announce(self, word: Word) -> None:
        if all(Kind.READY in worker.words for worker in self._workers):
            self._announced = True
            tell_ready(self._ports, word.engine, word.revision, workers=len(self._workers))
