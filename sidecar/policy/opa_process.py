"""OPA as a child process on a private Unix socket, one for each activated bundle."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

from sidecar.child_process import Pauses, end, keep_alive
from sidecar.policy.logs import LINE_LIMIT
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path

    from sidecar.policy.logs import QuietLog

PAUSES = Pauses(first_s=0.1, last_s=2.0, stable_s=10.0)
TERM_LIMIT_S = 2.0
"""After SIGTERM; then SIGKILL."""

# Runs first in the child's process, and becomes OPA. A process group of its own: Ctrl-C in a terminal must
# not end OPA before the sidecar has drained. PR_SET_PDEATHSIG(1), SIGKILL(9): OPA does not outlive the
# sidecar; it is set here because code between fork and exec of a process with threads is not safe.
_BECOME = """
import ctypes, os, sys
os.setpgid(0, 0)
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"{sys.argv[2]}: {error}")
"""

_log = logging.getLogger("sidecar.policy")


class OpaProcess:
    """A daemon that, once supervised, is started again when it dies, with a growing delay."""

    def __init__(
        self,
        command: list[str],
        socket: Path,
        quiet: QuietLog,
        on_restart: Callable[[], None],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment`, with PATH, is all that the daemon gets of one."""
        self._command = command
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), **(environment or {})}
        self._socket = socket
        self._quiet = quiet
        self._on_restart = on_restart
        self._process: asyncio.subprocess.Process | None = None
        self._last_words = ""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The present process's id; None while there is none."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Starts the daemon, as yet unsupervised; raises `PolicyProblems`."""
        try:
            await self._spawn()
        except OSError as error:
            raise PolicyProblems([f"OPA cannot be started: {error}"]) from None

    def supervise(self) -> None:
        """From now on a death is answered with a new start."""
        if self._process is not None:
            work = keep_alive(self._process, self._spawn, self._on_restart, pauses=PAUSES, name="OPA", log=_log)
            self._keep(work)

    async def check_alive(self) -> None:
        """Before it is supervised: raises `PolicyProblems` with the daemon's last words if it has ended."""
        if self._process is None or self._process.returncode is not None:
            await asyncio.gather(*self._tasks)  # until all that it said is read
            raise PolicyProblems([f"OPA ended at once: {self._last_words or 'it did not say why'}"])

    async def aclose(self) -> None:
        """SIGTERM, then SIGKILL after 2 s."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        process, self._process = self._process, None
        if process is not None:
            await end(process, TERM_LIMIT_S)

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._socket.unlink(missing_ok=True)  # OPA does not start on a socket that a dead one left
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), *self._command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        self._process = process
        if process.stderr is not None:
            self._keep(self._pass_on(process.stderr))
        return process

    async def _pass_on(self, stderr: asyncio.StreamReader) -> None:
        """OPA's log: errors into ours, at most one a second."""
        while chunk := await stderr.read(8192):
            for line in chunk.decode(errors="replace").splitlines():
                if '"level":"warning"' not in line:
                    self._last_words = line[:LINE_LIMIT]
                    self._quiet.failure("OPA says", line)

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
