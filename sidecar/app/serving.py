"""Running the parts of one process: ports, readiness, signals, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from typing import TYPE_CHECKING, Protocol

import uvicorn
import uvloop

import sidecar
from sidecar.app.assembly import Parts, assemble
from sidecar.app.memory import give_back
from sidecar.app.outward import DRAIN_S, admin_servers, log_to_stderr, tell_ports, tell_ready
from sidecar.app.ports import Ports, bind
from sidecar.app.readings import connection_readings
from sidecar.app.seat import ALONE
from sidecar.app.workers.door import DoorServer
from sidecar.audit.records import Event
from sidecar.model.refusal import Refused
from sidecar.proxy.server import strict_protocol
from sidecar.serving import Server

if TYPE_CHECKING:
    from sidecar.app.seat import Seat
    from sidecar.settings import Settings

STOP_S = DRAIN_S - 1
"""After this long the rest is refused and given up, so that its answers and records are out in time."""

FLUSH_S = 1
"""For requests that outlive even that: their records are written before the audit log closes."""

GC_THRESHOLDS = (10_000, 20, 50)
"""An exchange leaves no cycles; Python's own 700 has the collector look every few exchanges, for nothing."""

logger = logging.getLogger("sidecar")


class Teller(Protocol):
    """Who is told what becomes of a process."""

    def serving(self) -> None:
        """It serves, and may not be ready yet."""
        ...

    def ready(self, engine: str, revision: str) -> None:
        """It is ready, for the first time."""
        ...

    def broke(self, why: str) -> None:
        """Its audit log broke, and it ends."""
        ...


def serve(settings: Settings) -> int:
    """Serves in this process alone until a signal; the exit code. Raises StartProblems."""
    log_to_stderr()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    async with contextlib.AsyncExitStack() as stack:
        ports = bind(settings, stack)
        parts = await stack.enter_async_context(assemble(settings))
        return await Running(parts, ports, _Said(ports), is_private=settings.admin.is_loopback).until_stopped()


class Running:
    """One process's servers, from ready to stopped."""

    def __init__(self, parts: Parts, ports: Ports, teller: Teller, *, is_private: bool, seat: Seat = ALONE) -> None:
        """`is_private`: whether the admin port is for this machine only."""
        self._parts = parts
        self._ports = ports
        self._teller = teller
        self._stop = asyncio.Event()
        self._is_start_recorded = False
        self._data = _data_server(parts, ports, seat)
        parts.meters.watch(lambda: connection_readings(lambda: parts.connections.held))
        self._admins = admin_servers(parts.views, ports, is_private=is_private)

    def stop(self) -> None:
        """As a signal does."""
        self._stop.set()

    async def until_stopped(self) -> int:
        """Serves; returns the exit code when all is down."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        serving = [loop.create_task(server.serve([bound])) for server, bound in self._admins]
        data = loop.create_task(self._data.serve([self._ports.data]))
        data.add_done_callback(lambda _: self._stop.set())
        watch = loop.create_task(self._watch())
        self._teller.serving()
        # What is loaded by now stays: the collector need not look at it again, some 100,000 objects at a time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        give_back()
        await self._stop.wait()
        self._parts.readiness.stopping = True
        logger.info("stopping: up to %s s for what is in flight", DRAIN_S)
        self._data.should_exit = True
        last = loop.call_later(STOP_S, self._parts.front.stop)
        await data
        last.cancel()
        if self._data.server_state.tasks:  # uvicorn has cancelled them, and does not wait
            await asyncio.wait(self._data.server_state.tasks.copy(), timeout=FLUSH_S)
        for server, _ in self._admins:
            server.should_exit = True
        watch.cancel()
        await asyncio.gather(*serving, watch, return_exceptions=True)
        if self._parts.windows.is_rebuilt:
            with contextlib.suppress(Refused):  # a hold that has just ended is told by the next start instead
                await self._tick_windows()
        return 1 if self._parts.trail.broken else 0

    async def _record_start(self) -> None:
        """EVENT `start`: who writes, under which policy.

        Until it is on record, with room for an exchange after it, this sidecar is not ready.
        """
        if self._is_start_recorded:
            return
        identity = {"version": sidecar.__version__, "host": socket.gethostname(), **self._parts.log.identity}
        with contextlib.suppress(Refused):  # the disk is full, or the log broke: readiness says so
            await self._parts.trail.event(Event.START, {"revision": self._parts.policy.revision, **identity})
            self._is_start_recorded = True

    async def _watch(self) -> None:
        """Says when it is ready; writes what falls due; ends the process when the audit log broke."""
        announced = False
        while True:
            if not self._parts.readiness.is_writable:
                await self._record_start()
                self._parts.readiness.is_writable = self._is_start_recorded and self._parts.log.has_room
            if not announced and self._data.started and not self._parts.readiness.reasons():
                announced = True
                self._teller.ready(self._parts.policy.kind, self._parts.policy.revision)
            if self._parts.trail.broken:
                logger.critical("the audit log broke (%s): stopping", self._parts.trail.broken)
                self._teller.broke(self._parts.trail.broken)
                self.stop()
                return
            for tick in (self._parts.trail.tick, self._tick_windows):
                try:
                    await tick()
                except Refused:  # a failed append is in `broken`, seen above
                    pass
                except Exception:
                    logger.exception("what is due once a second failed")
            await asyncio.sleep(1.0 if announced else 0.01)

    async def _tick_windows(self) -> None:
        await self._parts.windows.tick(self._parts.policy.facts, self._parts.trail)


class _Said:
    """For a process alone: its log, and one line on standard output."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def serving(self) -> None:
        """See Teller."""
        tell_ports(self._ports)

    def ready(self, engine: str, revision: str) -> None:
        """See Teller."""
        tell_ready(self._ports, engine, revision, workers=1)

    def broke(self, why: str) -> None:
        """See Teller: the exit code tells."""


def _data_server(parts: Parts, ports: Ports, seat: Seat) -> Server:
    tls = ports.tls
    config = uvicorn.Config(
        parts.front,
        http=strict_protocol(parts.limits, parts.connections),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_S,
        ssl_context_factory=(lambda _config, _default: tls.context) if tls else None,
    )
    return Server(config) if seat.counters is None else DoorServer(config, ports.data, seat.counters, seat.slot)
