"""Questions of one turn of the event loop are evaluated one right after the other, as a cohort.

An evaluation runs through megabytes of code and data. One that follows another finds them in the processor's caches;
between two that have the rest of an exchange between them they are lost: docs/decisions.md has the figures.
(J. Larus, M. Parkes: Using Cohort Scheduling to Enhance Server Performance, USENIX 2002.)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.policy.port import Answer

    Evaluate = Callable[[bytes], Answer]


class Line:
    """Who asks waits for the end of the loop's turn. As many stand in line as there are exchanges, at most."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[tuple[Evaluate, bytes, asyncio.Future[Answer]]] = []

    async def ask(self, evaluate: Evaluate, input_json: bytes) -> Answer:
        """What `evaluate` answers to one question, or raises for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((evaluate, input_json, future))
        if len(self._waiting) == 1:
            loop.call_soon(self.flush)
        return await future

    def flush(self) -> None:
        """Answers all who wait, in the order they came, but for those who left."""
        waiting, self._waiting = self._waiting, []
        for evaluate, input_json, future in waiting:
            if future.done():
                continue
            try:
                future.set_result(evaluate(input_json))
            except BaseException as error:  # whatever it is, it is raised where it was asked for
                future.set_exception(error)
