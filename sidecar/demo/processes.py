"""The demo's servers as processes: started, awaited until ready, and ended for good, whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from sidecar.demo.workspace import DemoFailed

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
LOG_TAIL_BYTES = 2_000


@asynccontextmanager
async def server(module: str, arguments: Sequence[str], log: Path) -> AsyncGenerator[Mapping[str, Any]]:
    """Runs `python -m MODULE ARGUMENTS`; yields what its ready line says. Raises DemoFailed."""
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=environment(os.environ),
            start_new_session=True,  # Ctrl-C reaches us alone, and its pid names it with all its children
        )
    try:
        yield await _ready_line(process, module, log)
    finally:
        await _end(process)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Ours without the settings of a sidecar: the demo's is set by flags alone."""
    return {name: value for name, value in environ.items() if not name.startswith("SIDECAR_")}


async def _ready_line(process: Process, module: str, log: Path) -> Mapping[str, Any]:
    if process.stdout is None:
        raise DemoFailed(f"{module} has no standard output")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_TIMEOUT_S)
    except TimeoutError:
        raise DemoFailed(f"{module} was not ready in {READY_TIMEOUT_S:g} s:\n{_tail(log)}") from None
    if not line:
        raise DemoFailed(f"{module} did not start:\n{_tail(log)}")
    return json.loads(line)


async def _end(process: Process) -> None:
    try:
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    finally:
        # What did not listen, or outlived its parent.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _tail(log: Path) -> str:
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
