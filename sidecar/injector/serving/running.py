"""Running an injector: its parts out of the settings, ready, signals, and an end that answers what is in hand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import orjson
import uvicorn

from sidecar.injector.serving.app import Views, admin_app, webhook_app
from sidecar.injector.serving.meters import Meters
from sidecar.injector.serving.starting import prepare
from sidecar.model.clock import SystemClock

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Generator

    from starlette.types import ASGIApp

    from sidecar.injector.serving.settings import InjectorSettings
    from sidecar.injector.serving.starting import Prepared
    from sidecar.model.clock import Clock

DRAIN_S = 5
"""SIGTERM: reviews that are being answered get this long."""
GIVE_UP_S = DRAIN_S + 2
"""After this long the process ends whatever hangs, such as a round of upkeep that Kubernetes' API does not answer."""
KEEP_ALIVE_S = 100
"""Longer than the API server keeps an idle connection (90 s): who closes first is never the one who is asked."""
CONNECTIONS_LIMIT = 256
"""Beyond, uvicorn answers 503."""

logger = logging.getLogger("sidecar.injector")


def serve(settings: InjectorSettings) -> int:
    """Serves until a signal; the exit code. Raises `StartProblems`."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    clock = SystemClock()
    with ExitStack() as stack:
        prepared = prepare(settings, stack, clock)
        return asyncio.run(_Running(settings, prepared, clock).until_stopped())


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Running:
    """One injector, from ready to stopped."""

    def __init__(self, settings: InjectorSettings, prepared: Prepared, clock: Clock) -> None:
        self._settings = settings
        self._prepared = prepared
        self._clock = clock

    async def until_stopped(self) -> int:
        """Serves; returns the exit code when all is down."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        parts = self._prepared
        webhooks, admin = self._servers()
        serving = [loop.create_task(webhooks.serve([parts.webhooks])), loop.create_task(admin.serve([parts.admin]))]
        for task in serving:
            task.add_done_callback(lambda _: stop.set())
        upkeep = loop.create_task(parts.certificates.run())
        await asyncio.gather(webhooks.listens.wait(), admin.listens.wait())
        self._announce()
        await stop.wait()
        logger.info("stopping: up to %s s for what is being answered", DRAIN_S)
        _end_in(GIVE_UP_S)
        webhooks.should_exit = admin.should_exit = True
        await asyncio.gather(*serving)
        upkeep.cancel()
        await asyncio.gather(upkeep, return_exceptions=True)
        return 0

    def _servers(self) -> tuple[_Server, _Server]:
        parts, meters = self._prepared, Meters()
        views = Views(
            config=lambda: parts.config.value,
            registry_ca=lambda: parts.certificates.registry_ca,
            unready=self._unready,
            problems=self._problems,
        )
        meters.watch(lambda: parts.certificates.ends_unix_s, self._problems)
        webhooks = _config(webhook_app(views, meters), parts.certificates.context)
        return _Server(webhooks), _Server(_config(admin_app(views, meters), None))

    def _unready(self) -> list[str]:
        end_unix_s = self._prepared.certificates.ends_unix_s["injector"]
        return [] if self._clock.unix_s() < end_unix_s else ["the certificate of the webhooks has ended: renew it"]

    def _problems(self) -> list[str]:
        return [*self._prepared.config.problems, *self._prepared.certificates.problems]

    def _announce(self) -> None:
        line = {
            "ready": True,
            "listen": _address(self._prepared.webhooks),
            "admin": _address(self._prepared.admin),
            "certificates": self._settings.certificates,
            "problems": self._problems(),
        }
        sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()


def _end_in(seconds: float) -> None:
    """Not a timer of the loop, which is gone while the interpreter still waits for threads."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _config(app: ASGIApp, context: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_LIMIT,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )
