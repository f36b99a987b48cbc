"""What processes that serve share: their ports, a server that leaves signals to its process, a sure end.

Belongs here: what is the same for a sidecar, a registry and an injector. What they serve is theirs. Imports nothing of
ours.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

BACKLOG = 1_024


def bind_port(
    flag: str, host: str, port: int, stack: contextlib.ExitStack | contextlib.AsyncExitStack, problems: list[str]
) -> socket.socket | None:
    """A TCP port that `flag` asks for, closed with `stack`; None, and why in `problems`, where it cannot be had.

    Bound before anything is started: a port in use is told with all else that stands in a start's way.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        problems.append(f"{flag} {_text(host, port)}: {error.strerror}; choose another port, or 0 for any")
        return None
    return stack.enter_context(bound)


def name_of(bound: socket.socket) -> str:
    """HOST:PORT, as a URL has it."""
    return _text(*bound.getsockname()[:2])


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to its process, and says when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        self._on_listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """See uvicorn."""
        yield


def end_in(seconds: float) -> None:
    """Ends the process after that time, with exit code 1, whatever hangs in it.

    Not by a timer of the loop, which is gone while the interpreter still waits for threads.
    """
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


def _text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
