"""One worker as its supervisor sees it: started, heard, told, started again, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.app.workers.channel import LINE_LIMIT_BYTES, Kind, Word, line_of, word_of
from sidecar.child_process import Pauses, end, keep_alive
from sidecar.http1.errors import ExchangeFailed
from sidecar.http1.pool import Pool
from sidecar.http1.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.app.workers.channel import Assignment
    from sidecar.app.workers.counters import Counters
    from sidecar.model.message import Response
    from sidecar.policy.followed import Told

PAUSES = Pauses(first_s=0.1, last_s=10.0, stable_s=30.0)
ASKED_CONNECTIONS = 4
ASKED_LIMIT_BYTES = 64 << 20
"""Of an answer of a worker's admin port: `/status` of ten thousand models has room in it."""
ASKED_TIMEOUT_S = 5.0
LOOK_EACH_S = 2.0
HUNG_LOOKS = 3
"""In a row without an answer, some 20 s, and a worker that serves is killed: before a kubelet would end all of them."""

logger = logging.getLogger("sidecar")


class Worker:
    """`hear` is called with each word of it; `words` has the last of each kind that its present process said."""

    def __init__(self, assignment: Assignment, counters: Counters, hear: Callable[[Worker, Word], None]) -> None:
        self.slot = assignment.slot
        self.words: dict[Kind, Word] = {}
        self.restarts_total = 0
        self._assignment = assignment
        self._counters = counters
        self._hear = hear
        self._told: Told | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._supervision: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._admin = Pool(
            Target.parse(f"unix://{assignment.admin_socket}"),
            max_connections=ASKED_CONNECTIONS,
            response_limit_bytes=ASKED_LIMIT_BYTES,
        )

    @property
    def pid(self) -> int | None:
        """The present process's id; None while there is none."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    @property
    def memory_bytes(self) -> int | None:
        """Its resident memory, some of which it may share; None while there is no process."""
        with contextlib.suppress(OSError, IndexError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGESIZE")
        return None

    async def start(self) -> None:
        """Starts and supervises it. Raises OSError."""
        process = await self._spawn()
        name = f"worker {self.slot}"
        work = keep_alive(process, self._spawn, self._count, pauses=PAUSES, name=name, log=logger)
        self._supervision = asyncio.create_task(work, name=name)
        self._watch = asyncio.create_task(self._look(), name=f"{name}: whether it answers")

    def tell(self, told: Told) -> None:
        """To this process, and to those that come after it."""
        self._told = told
        self._write(told)

    async def ask(self, path: str, accept: str = "*/*") -> Response | None:
        """What its admin port answers; None where it does not."""
        with contextlib.suppress(ExchangeFailed):
            headers = ((b"accept", accept.encode("ascii", "replace")),)
            return await self._admin.send(b"GET", path.encode(), headers, b"", timeout_s=ASKED_TIMEOUT_S)
        return None

    async def end(self, limit_s: float) -> int:
        """SIGTERM, and SIGKILL after `limit_s`; the exit code, 0 for one that is dead just now."""
        tasks = [task for task in (self._supervision, self._watch) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            status = 0
        else:
            if not await end(process, limit_s):
                logger.error("worker %d did not end in %.0f s and was killed", self.slot, limit_s)
            status = await process.wait()
            if status == -signal.SIGTERM:  # before it serves, a worker leaves that to the system: nothing is to drain
                status = 0
        if self._listening is not None:
            await self._listening
        await self._admin.aclose()
        return status

    async def _spawn(self) -> asyncio.subprocess.Process:
        assigned = self._assignment
        process = await asyncio.create_subprocess_exec(
            # -P: no module of the working directory stands in for one of ours.
            *(sys.executable, "-P", "-m", "sidecar.app.workers"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT_BYTES,
            pass_fds=(assigned.listener_fd, assigned.counters_fd),
            start_new_session=True,  # Ctrl-C in a terminal is for the supervisor, which has it drain
        )
        self._process, self.words = process, {}
        self._write(assigned)
        if self._told is not None:
            self._write(self._told)
        self._listening = asyncio.create_task(self._listen(process))
        return process

    async def _look(self) -> None:
        """A process that hangs keeps its connections, and clients on them wait: it is killed, and started again."""
        unanswered = 0
        while True:
            await asyncio.sleep(LOOK_EACH_S)
            process = self._process
            is_silent = Kind.SERVING in self.words and await self.ask("/health/live") is None
            unanswered = unanswered + 1 if is_silent and process is self._process else 0
            if unanswered == HUNG_LOOKS and process is not None and process.returncode is None:
                logger.error("worker %d serves and did not answer %d times: it is killed", self.slot, HUNG_LOOKS)
                process.kill()

    def _write(self, said: Assignment | Told) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(line_of(said))

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Until it ends."""
        assert process.stdout is not None  # noqa: S101 - it was asked for
        while line := await process.stdout.readline():
            try:
                word = word_of(line)
            except ValueError as error:
                logger.error("worker %d: %s", self.slot, error)  # noqa: TRY400 - the error says it all
                continue
            self.words[word.kind] = word
            self._hear(self, word)
        self.words = {}
        self._counters.forget(self.slot)

    def _count(self) -> None:
        self.restarts_total += 1
