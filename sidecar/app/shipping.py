"""The shipping process as a child of `sidecar run`: started, started again when it dies, ended after the log closes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sidecar.app.problems import StartProblems
from sidecar.child_process import Pauses, end, keep_alive
from sidecar.ledger.segments import Damaged
from sidecar.ship.check import UNAVAILABLE
from sidecar.ship.cursor import CursorFile
from sidecar.ship.destination import ARCHIVE, LAST_ROUNDS_S, OTLP
from sidecar.ship.environment import EnvironmentInvalid, read_environment
from sidecar.ship.lag import collector_lag

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from sidecar.ledger.layout import Layout

PAUSES = Pauses(first_s=0.5, last_s=30.0, stable_s=60.0)
END_GRACE_S = 1.0
"""After SIGTERM and the last rounds; then SIGKILL, which costs no more than repeats."""

logger = logging.getLogger("sidecar.ship")


class Shipping:
    """One slot's shipping, by a process that is there only if there is something to ship to."""

    def __init__(self, layout: Layout, *, otlp: str | None = None, archive: str | None = None) -> None:
        """`otlp` and `archive` are URLs, or None where nothing is shipped there."""
        self.layout = layout
        self._urls = {name: url for name, url in ((OTLP, otlp), (ARCHIVE, archive)) if url is not None}
        self._process: asyncio.subprocess.Process | None = None
        self._supervision: asyncio.Task[None] | None = None
        self.restarts_total = 0

    @property
    def destinations(self) -> tuple[str, ...]:
        """Whose cursors retention must wait for."""
        return tuple(self._urls)

    @property
    def pid(self) -> int | None:
        """The present process's id; None while there is none."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Starts and supervises the process. Raises OSError."""
        if self._urls:
            process = await self._spawn()
            work = keep_alive(process, self._spawn, self._count, pauses=PAUSES, name="shipping", log=logger)
            self._supervision = asyncio.create_task(work)

    async def aclose(self) -> None:
        """To be called when the log is closed: what is due now has its last rounds, and the next start does the rest.

        Tells what is left: where the disk ends with the pod, there is no next start.
        """
        if self._supervision is None:
            return
        self._supervision.cancel()
        await asyncio.gather(self._supervision, return_exceptions=True)
        process, self._process = self._process, None
        limit_s = max(LAST_ROUNDS_S[name] for name in self._urls) + END_GRACE_S
        if process is not None and not await end(process, limit_s):
            logger.warning("shipping did not end and was killed")
        for name in self._urls:
            self._tell_what_is_left(name)

    def _tell_what_is_left(self, name: str) -> None:
        try:
            left = collector_lag(self.layout, CursorFile(self.layout.cursors, name).read(), time.time()).records
        except (OSError, ValueError, Damaged) as error:
            logger.warning("%s: how much is left to ship cannot be told: %s", name, error)
            return
        if left:
            logger.warning("%s: %d records are on this disk alone, until the next start ships them", name, left)

    async def _spawn(self) -> asyncio.subprocess.Process:
        options = [word for name, url in self._urls.items() for word in (f"--{name}", url)]
        self._process = await asyncio.create_subprocess_exec(
            # -P: no module of the working directory stands in for one of ours.
            *(sys.executable, "-P", "-m", "sidecar.ship", "--slot-dir", str(self.layout.slot_dir)),
            *("--parent", str(os.getpid()), *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal must not end it before the log is closed
        )
        return self._process

    def _count(self) -> None:
        self.restarts_total += 1


@contextlib.asynccontextmanager
async def shipping_room(layout: Layout, *, otlp: str | None, archive: str | None) -> AsyncGenerator[Shipping]:
    """Shipping while it is entered: to be entered before the log's room, and so left after it. Raises StartProblems."""
    problems = _problems(otlp, archive)
    if problems:
        raise StartProblems(problems)
    shipping = Shipping(layout, otlp=otlp, archive=archive)
    await shipping.start()
    try:
        yield shipping
    finally:
        await shipping.aclose()


async def check_archive(layout: Layout, public_file: Path, archive: str) -> None:
    """Raises StartProblems where the archive has more of this log, or another past: it was rolled back or replaced.

    An archive that cannot be asked stops nothing: what is shipped later would conflict with what it has.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "sidecar.ship.check", "--slot-dir", str(layout.slot_dir)),
        *("--public-key", str(public_file), "--archive", archive),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    message = told.decode().strip()
    if process.returncode == UNAVAILABLE:
        logger.warning("the log could not be held against its archive: %s", message)
    elif process.returncode != 0:
        raise StartProblems([f"--audit-archive: {message or 'the check failed; see above'}"])


def _problems(otlp: str | None, archive: str | None) -> list[str]:
    """What would end the process at once. Libraries are looked for, not imported: the data path has no use for them."""
    found: list[str] = []
    if otlp is not None:
        if not _is_installed("google.protobuf", "opentelemetry.proto", "urllib3"):
            found.append("--otlp needs the otlp extra: pip install 'model-policy-sidecar[otlp]'")
        try:
            read_environment(os.environ)
        except EnvironmentInvalid as error:
            found.append(str(error))
    if archive is not None and urlsplit(archive).scheme not in ("", "file") and not _is_installed("fsspec"):
        found.append(f"--audit-archive {archive} needs the archive extra: pip install 'model-policy-sidecar[archive]'")
    return found


def _is_installed(*modules: str) -> bool:
    try:
        return all(importlib.util.find_spec(module) is not None for module in modules)
    except ModuleNotFoundError:  # a package above it
        return False
