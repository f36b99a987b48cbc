"""What a supervisor gives a worker, made by a test."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.app.workers.channel import Assignment
from sidecar.app.workers.counters import Counters, make_memory
from tests.unit.app.given import settings

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@dataclass(frozen=True)
class Given:
    """For the first of two workers."""

    assignment: Assignment
    counters: Counters
    listener: socket.socket


@contextmanager
def given(folder: Path, *, follows: bool = False, **flags: object) -> Generator[Given]:
    """Its listener and its counters are real."""
    made = settings(folder, workers="2", **flags)
    memory = make_memory(2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assignment = Assignment(
            settings=made.model_dump(mode="json"),
            slot=0,
            listener_fd=listener.fileno(),
            counters_fd=memory,
            admin_socket=str(folder / "0.sock"),
            window_socket=None,
            follows=follows,
        )
        yield Given(assignment, Counters(memory, 2), listener)
    os.close(memory)
