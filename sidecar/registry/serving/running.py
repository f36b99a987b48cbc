"""Running a registry: its parts out of the settings, ready, signals, and an end that leaves no engine waiting."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from typing import TYPE_CHECKING

import orjson
import uvicorn

from sidecar.registry.access.callers import Access
from sidecar.registry.api.app import create_app
from sidecar.registry.api.context import Context
from sidecar.registry.api.meters import Meters
from sidecar.registry.serving.starting import prepare
from sidecar.registry.shelf.bundling import NAMES, Bundling
from sidecar.registry.shelf.waiting import Shelf
from sidecar.serving import Server, end_in, name_of

if TYPE_CHECKING:
    from sidecar.registry.serving.settings import RegistrySettings
    from sidecar.registry.serving.starting import Prepared
    from sidecar.registry.shelf.bundling import Built
    from sidecar.registry.store.registry import Registry
    from sidecar.tls_files import TlsFiles

DRAIN_S = 5
"""SIGTERM: requests that are being answered get this long."""
GIVE_UP_S = DRAIN_S + 2
"""After this long the process ends whatever hangs, such as threads that a database does not answer. What they write is
a transaction, done or not done."""
OTHERS_LIMIT = 1_024
"""Connections beside those of engines that wait; beyond, uvicorn answers 503."""
CONSOLIDATE_S = 5.0
FORGET_S = 86_400.0
"""Each time that it finds some, every engine fetches the bulk anew."""

logger = logging.getLogger("sidecar.registry")


def serve(settings: RegistrySettings) -> int:
    """Serves until a signal; the exit code. Raises `StartProblems`."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of each look at the tables
    return asyncio.run(_serve(settings))


async def _serve(settings: RegistrySettings) -> int:
    async with contextlib.AsyncExitStack() as stack:
        prepared = await prepare(settings, stack)
        return await _Running(settings, prepared).until_stopped()


class _Running:
    """One registry, from ready to stopped."""

    def __init__(self, settings: RegistrySettings, prepared: Prepared) -> None:
        self._settings = settings
        self._bound = prepared.bound
        self._registry = prepared.registry
        self._shelf = Shelf(NAMES, waiters_limit=settings.waiters)
        self._meters = Meters(self._shelf)
        self._bundling = Bundling(
            *(prepared.registry, prepared.key, self._shelf),
            on_built=self._built,
            on_failed=self._failed,
        )
        access = Access(prepared.verifiers, open_reads=settings.open_reads)
        parts = Context(
            *(prepared.registry, self._shelf, self._bundling, access, self._meters),
            *(prepared.pseudonyms, prepared.examiner),
        )
        self._server = Server(_config(settings, parts, prepared.tls), self._announce)

    async def until_stopped(self) -> int:
        """Serves; returns the exit code when all is down."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await self._bundling.refresh()
        work = [loop.create_task(self._bundling.run()), loop.create_task(housekeep(self._registry))]
        serving = loop.create_task(self._server.serve([self._bound]))
        serving.add_done_callback(lambda _: stop.set())
        await stop.wait()
        logger.info("stopping: up to %s s for what is being answered", DRAIN_S)
        end_in(GIVE_UP_S)
        self._shelf.close()
        self._server.should_exit = True
        await serving
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        return 0

    def _announce(self) -> None:
        bundles = {name: served.revision for name in NAMES if (served := self._shelf.get(name))}
        line = {
            "ready": True,
            "listen": name_of(self._bound),
            "database": self._settings.database_name,
            "bundles": bundles,
            "takes_policies": self._settings.policy_key is not None,
            "problems": self._bundling.problems,
        }
        sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()

    def _built(self, built: Built) -> None:
        name = built.served.name
        self._meters.bundle_sequence.labels(name).set(built.served.sequence)
        self._meters.bundle_bytes.labels(name).set(len(built.served.archive))
        self._meters.build_seconds.labels(name).set(built.took_s)

    def _failed(self, name: str) -> None:
        self._meters.failures.labels(name).inc()


async def housekeep(registry: Registry) -> None:
    """Until it is cancelled: revocations that are many go into the bulk, those that no token can need are let go."""
    forgot_s = float("-inf")
    loop = asyncio.get_running_loop()
    while True:
        try:
            if await asyncio.to_thread(registry.consolidate):
                logger.info("revocations: there is a new bulk")
            if loop.time() - forgot_s >= FORGET_S:
                count = await asyncio.to_thread(registry.forget_expired)
                logger.info("revocations: %s that had ended are let go", f"{count:,}")
                forgot_s = loop.time()
        except Exception:
            logger.exception("housekeeping failed; it is tried again in %s s", CONSOLIDATE_S)
        await asyncio.sleep(CONSOLIDATE_S)


def _config(settings: RegistrySettings, parts: Context, tls: TlsFiles | None) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(parts),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.waiters + OTHERS_LIMIT,
        timeout_graceful_shutdown=DRAIN_S,
        ssl_context_factory=(lambda _config, _default: tls.context) if tls else None,
    )
