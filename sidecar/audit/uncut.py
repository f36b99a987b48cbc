"""Waiting that a cancellation cannot cut short: what was begun is awaited, and only then is the caller cancelled.

A client that goes away cancels its exchange at any moment; whatever the moment, the exchange leaves its records.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Uncut(asyncio.Future[T]):
    """A wait that cannot be given up; to be awaited by `uncut`."""

    def cancel(self, msg: object | None = None) -> bool:
        """Refuses; the task is cancelled at its next step, when the wait is over."""
        del msg
        return False


async def uncut(wait: Uncut[T]) -> T:
    """The result of `wait`; a cancellation that came meanwhile meets the caller at its next wait."""
    try:
        return await wait
    except asyncio.CancelledError as cut:
        if not wait.done():
            raise
        _deliver_again(cut)
        return wait.result()


async def uncut_thread(work: Callable[[], T]) -> T:
    """The result of `work`, done in a thread; otherwise as `uncut`."""
    loop = asyncio.get_running_loop()
    wait: Uncut[T] = Uncut(loop=loop)
    done = loop.run_in_executor(None, work)
    done.add_done_callback(lambda done: _hand_over(done, wait))
    return await uncut(wait)


def _hand_over(done: asyncio.Future[T], wait: Uncut[T]) -> None:
    failure = RuntimeError("the work was never begun") if done.cancelled() else done.exception()
    if failure is None:
        wait.set_result(done.result())
    else:
        wait.set_exception(failure)


def _deliver_again(cut: asyncio.CancelledError) -> None:
    task = asyncio.current_task()
    if task is not None:
        task.get_loop().call_soon(_cancel_again, task, cut.args)


def _cancel_again(task: asyncio.Task[Any], arguments: tuple[Any, ...]) -> None:
    """Unless the wish is gone: a deadline may have been withdrawn since."""
    if not task.done() and task.cancelling() > 0:
        task.uncancel()
        task.cancel(*arguments)
