"""A worker: one process's parts in a slot of its own, with what its supervisor gave it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.app.assembly import assemble
from sidecar.app.outward import log_to_stderr
from sidecar.app.ports import Ports, tls_of, unix_listener
from sidecar.app.problems import StartProblems
from sidecar.app.seat import Seat
from sidecar.app.serving import Running
from sidecar.app.workers.channel import (
    LINE_LIMIT_BYTES,
    Assignment,
    Kind,
    Word,
    assignment_of,
    line_of,
    told_of,
)
from sidecar.app.workers.counters import Counters
from sidecar.settings import Settings, SettingsInvalid, load

if TYPE_CHECKING:
    from sidecar.policy.followed import Told

logger = logging.getLogger("sidecar")


async def work() -> int:
    """Serves until a signal, or until the supervisor is gone; the exit code."""
    given = await _given()
    line = await given.readline()
    if not line:
        return 0
    assignment = assignment_of(line)
    log_to_stderr(f"worker {assignment.slot} ")
    try:
        return await _serve(assignment, given)
    except (StartProblems, SettingsInvalid) as found:
        for problem in found.problems:
            logger.error("does not start: %s", problem)  # noqa: TRY400 - the problem says it all
        _say(Word(Kind.PROBLEMS, tuple(found.problems)))
        return 2


async def _given() -> asyncio.StreamReader:
    """Standard input."""
    reader = asyncio.StreamReader(limit=LINE_LIMIT_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _serve(assignment: Assignment, given: asyncio.StreamReader) -> int:
    settings = load(assignment.settings)
    told: asyncio.Queue[Told] = asyncio.Queue()
    following = asyncio.create_task(_follow(given, told))
    seat = Seat(
        assignment.slot,
        Counters(assignment.counters_fd, settings.workers),
        Path(assignment.window_socket) if assignment.window_socket else None,
        told if assignment.follows else None,
    )
    async with contextlib.AsyncExitStack() as stack:
        ports = _ports(assignment, settings, stack)
        parts = await stack.enter_async_context(assemble(settings, seat))
        running = Running(parts, ports, _Told(), is_private=True, seat=seat)
        following.add_done_callback(lambda _: running.stop())
        return await running.until_stopped()


async def _follow(given: asyncio.StreamReader, told: asyncio.Queue[Told]) -> None:
    """Until the supervisor is gone."""
    while line := await given.readline():
        told.put_nowait(told_of(line))


def _ports(assignment: Assignment, settings: Settings, stack: contextlib.AsyncExitStack) -> Ports:
    problems: list[str] = []
    tls = tls_of(settings, problems)
    if problems:
        raise StartProblems(problems)
    data = stack.enter_context(socket.socket(fileno=assignment.listener_fd))
    return Ports(data, stack.enter_context(unix_listener(Path(assignment.admin_socket))), None, tls)


class _Told:
    """Tells the supervisor."""

    def serving(self) -> None:
        """See Teller."""
        _say(Word(Kind.SERVING))

    def ready(self, engine: str, revision: str) -> None:
        """See Teller."""
        _say(Word(Kind.READY, (), engine, revision))

    def broke(self, why: str) -> None:
        """See Teller."""
        _say(Word(Kind.BROKE, (why,)))


def _say(word: Word) -> None:
    with contextlib.suppress(BrokenPipeError):  # the supervisor is gone: this process is about to end
        os.write(sys.stdout.fileno(), line_of(word))
