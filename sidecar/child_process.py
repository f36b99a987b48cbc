"""Ending a child process: asked first, killed where it does not answer.

Imported by the rooms that have one (an engine, the shipper). Imports nothing of ours.
"""

from __future__ import annotations

import asyncio
import contextlib


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
