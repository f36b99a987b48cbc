"""Child processes: started again when they die; at the end asked first, and killed where they do not answer.

Imported by the rooms that have one (an engine, the shipper). Imports nothing of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True, slots=True)
class Pauses:
    """Between a death and the next start: doubled each time, and back to the first after a life of `stable_s`."""

    first_s: float
    last_s: float
    stable_s: float


async def keep_alive(
    process: asyncio.subprocess.Process,
    spawn: Callable[[], Awaitable[asyncio.subprocess.Process]],
    on_restart: Callable[[], None],
    *,
    pauses: Pauses,
    name: str,
    log: logging.Logger,
) -> NoReturn:
    """Answers each death of `process` and its successors with a new start, until it is cancelled."""
    loop = asyncio.get_running_loop()
    pause_s = pauses.first_s
    while True:
        started_s = loop.time()
        status = await process.wait()
        if loop.time() - started_s > pauses.stable_s:
            pause_s = pauses.first_s
        log.error("%s ended with status %d; it is started again in %.1f s", name, status, pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, pauses.last_s)
        try:
            process = await spawn()
        except OSError as error:  # no memory or no process to be had: seen as one more death
            log.error("%s cannot be started: %s", name, error)  # noqa: TRY400 - the error says it all
        else:
            on_restart()


async def end(process: asyncio.subprocess.Process, limit_s: float) -> bool:
    """SIGTERM, and SIGKILL after `limit_s`. Whether it ended by itself; one that has ended already did."""
    if process.returncode is not None:
        return True
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), limit_s)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return True
