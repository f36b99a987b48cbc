"""Running an injector: its parts out of the settings, ready, signals, and an end that answers what is in hand."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import orjson
import uvicorn

from sidecar.injector.serving.app import Views, admin_app, webhook_app
from sidecar.injector.serving.meters import Meters
from sidecar.injector.serving.starting import prepare
from sidecar.model.clock import SystemClock
from sidecar.serving import Server, end_in, name_of

if TYPE_CHECKING:
    import ssl

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


class _Running:
    """One injector, from ready to stopped."""

    def __init__(self, settings: InjectorSettings, prepared: Prepared, clock: Clock) -> None:
        self._settings = settings
        self._prepared = prepared
        self._clock = clock
        self._silent = 2
        """Servers that do not listen yet."""

    async def until_stopped(self) -> int:
        """Serves; returns the exit code when all is down. Raises what broke a part of it."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        parts = self._prepared
        webhooks, admin = self._servers()
        serving = [loop.create_task(webhooks.serve([parts.webhooks])), loop.create_task(admin.serve([parts.admin]))]
        for task in serving:
            task.add_done_callback(lambda _: stop.set())
        upkeep = loop.create_task(parts.certificates.run())
        upkeep.add_done_callback(lambda task: stop.set() if _is_broken(task) else None)
        await stop.wait()
        logger.info("stopping: up to %s s for what is being answered", DRAIN_S)
        end_in(GIVE_UP_S)
        webhooks.should_exit = admin.should_exit = True
        await asyncio.gather(*serving)
        upkeep.cancel()
        await asyncio.wait([upkeep])
        if _is_broken(upkeep):  # certificates would end one day, and nobody would know why
            upkeep.result()
        return 0

    def _servers(self) -> tuple[Server, Server]:
        parts, meters = self._prepared, Meters()
        views = Views(
            config=lambda: parts.config.value,
            registry_ca=lambda: parts.certificates.registry_ca,
            unready=self._unready,
            problems=self._problems,
        )
        meters.watch(lambda: parts.certificates.ends_unix_s, self._problems)
        webhooks = _server_config(webhook_app(views, meters), parts.certificates.context)
        admin = _server_config(admin_app(views, meters), None)
        return Server(webhooks, self._listens), Server(admin, self._listens)

    def _listens(self) -> None:
        self._silent -= 1
        if self._silent == 0:
            self._announce()

    def _unready(self) -> list[str]:
        end_unix_s = self._prepared.certificates.ends_unix_s["injector"]
        return [] if self._clock.unix_s() < end_unix_s else ["the certificate of the webhooks has ended: renew it"]

    def _problems(self) -> list[str]:
        return [*self._prepared.config.problems, *self._prepared.certificates.problems]

    def _announce(self) -> None:
        line = {
            "ready": True,
            "listen": name_of(self._prepared.webhooks),
            "admin": name_of(self._prepared.admin),
            "certificates": self._settings.certificates,
            "problems": self._problems(),
        }
        sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()


def _is_broken(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _server_config(app: ASGIApp, context: ssl.SSLContext | None) -> uvicorn.Config:
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
