"""Running the parts: ports, readiness, signals, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import uvicorn
import uvloop

from sidecar.admin.app import admin_app
from sidecar.app.assembly import Parts, assemble
from sidecar.app.problems import StartProblems
from sidecar.app.readings import connection_readings
from sidecar.audit.records import Event
from sidecar.proxy.server import strict_protocol

if TYPE_CHECKING:
    from collections.abc import Generator

    from sidecar.settings import Address, Settings

DRAIN_S = 10
"""SIGTERM: what is in flight gets this long to finish (contract 8)."""

BACKLOG = 1_024

GC_THRESHOLDS = (10_000, 20, 50)
"""An exchange leaves no cycles; Python's own 700 has the collector look every few exchanges, for nothing."""

logger = logging.getLogger("sidecar")


def serve(settings: Settings) -> int:
    """Serves until a signal; the exit code. Raises StartProblems."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    async with contextlib.AsyncExitStack() as stack:
        sockets = _bind(settings, stack)
        parts = await stack.enter_async_context(assemble(settings))
        return await _Running(settings, parts, sockets).until_stopped()


class _Sockets:
    """The bound ports; bound before anything is started, so that a port in use is told at once."""

    def __init__(self, data: socket.socket, admin: socket.socket, control: socket.socket | None) -> None:
        self.data = data
        self.admin = admin
        self.control = control


def _bind(settings: Settings, stack: contextlib.AsyncExitStack) -> _Sockets:
    problems: list[str] = []
    found: dict[str, socket.socket | None] = {"control": None}
    for name, address in (("listen", settings.listen), ("admin", settings.admin)):
        try:
            found[name] = stack.enter_context(_tcp(address))
        except OSError as error:
            problems.append(f"--{name} {address}: {error.strerror}; choose another port, or 0 for any")
    if settings.control is not None:
        try:
            found["control"] = stack.enter_context(_unix(str(settings.control)))
        except OSError as error:
            problems.append(f"--control {settings.control}: {error.strerror}")
    data, admin = found.get("listen"), found.get("admin")
    if problems or data is None or admin is None:
        raise StartProblems(problems)
    return _Sockets(data, admin, found["control"])


def _tcp(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)


def _unix(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        # A socket file outlives the process that made it; one that still answers belongs to a living process.
        probe = socket.socket(socket.AF_UNIX)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
        else:
            raise OSError(0, "another process listens there")
        finally:
            probe.close()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    return listener


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us: there are several in one process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Running:
    """One process's servers, from ready to stopped."""

    def __init__(self, settings: Settings, parts: Parts, sockets: _Sockets) -> None:
        self._settings = settings
        self._parts = parts
        self._sockets = sockets
        self._stop = asyncio.Event()
        self._data = _Server(self._data_config())
        parts.meters.watch(lambda: connection_readings(lambda: len(self._data.server_state.connections)))
        self._admins = [(_Server(_admin_config(parts, settings.admin.is_loopback)), sockets.admin)]
        if sockets.control is not None:
            self._admins.append((_Server(_admin_config(parts, True)), sockets.control))

    async def until_stopped(self) -> int:
        """Serves; returns the exit code when all is down."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        serving = [loop.create_task(server.serve([bound])) for server, bound in self._admins]
        data = loop.create_task(self._data.serve([self._sockets.data]))
        data.add_done_callback(lambda _: self._stop.set())
        watch = loop.create_task(self._watch())
        logger.info("data on %s, admin on %s", _name(self._sockets.data), _name(self._sockets.admin))
        # What is loaded by now stays: the collector need not look at it again, some 100,000 objects at a time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        await self._parts.trail.event(Event.START, {"revision": self._parts.policy.revision})
        await self._stop.wait()
        self._parts.readiness.stopping = True
        logger.info("stopping: up to %s s for what is in flight", DRAIN_S)
        self._data.should_exit = True
        await data
        for server, _ in self._admins:
            server.should_exit = True
        watch.cancel()
        await asyncio.gather(*serving, watch, return_exceptions=True)
        return 1 if self._parts.trail.broken else 0

    async def _watch(self) -> None:
        """Says when it is ready; writes what falls due; ends the process when the audit log broke."""
        announced = False
        while True:
            if not announced and self._data.started and not self._parts.readiness.reasons():
                announced = True
                self._announce()
            if self._parts.trail.broken:
                logger.critical("the audit log broke (%s): stopping", self._parts.trail.broken)
                self._stop.set()
                return
            with contextlib.suppress(Exception):  # a failed append is in `broken`, seen above
                await self._parts.trail.tick()
            await asyncio.sleep(1.0 if announced else 0.01)

    def _announce(self) -> None:
        line = {
            "ready": True,
            "listen": _name(self._sockets.data),
            "admin": _name(self._sockets.admin),
            "engine": self._parts.policy.kind,
            "policy_revision": self._parts.policy.revision,
        }
        sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()

    def _data_config(self) -> uvicorn.Config:
        settings = self._settings
        return uvicorn.Config(
            self._parts.front,
            http=strict_protocol(self._parts.limits),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN_S,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
            ssl_ca_certs=str(settings.tls_client_ca) if settings.tls_client_ca else None,
            ssl_cert_reqs=2 if settings.tls_client_ca else 0,
        )


def _admin_config(parts: Parts, private: bool) -> uvicorn.Config:
    return uvicorn.Config(
        admin_app(parts.views, private=private),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


def _name(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
