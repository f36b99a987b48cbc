"""An upstream that reads requests of any size into one small buffer, forgets them, and answers all alike."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bench import workload
from bench.processes import BenchError

if TYPE_CHECKING:
    from collections.abc import Generator

PART_BYTES = 256 * 1024
HEAD_LIMIT_BYTES = 64 * 1024


@contextmanager
def discarding() -> Generator[str]:
    """Serves on a port of its own until left; yields host:port. A thread a connection, which ends with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)  # wakes the one who waits for connections


def _accept(listener: socket.socket) -> None:
    with suppress(OSError):  # the listener is closed
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    answer = workload.answer().encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
    with connection, suppress(ConnectionError):
        while _discard_request(connection):
            connection.sendall(head + answer)


def _discard_request(connection: socket.socket) -> bool:
    """Reads one request, framed by its length as the sidecar's pool frames all; False where there is no more."""
    buffer = bytearray(PART_BYTES)
    head = b""
    while b"\r\n\r\n" not in head:
        count = connection.recv_into(buffer)
        if not count:
            return False
        head += buffer[:count]
        if len(head) > HEAD_LIMIT_BYTES + PART_BYTES:
            raise BenchError("the sidecar sent a head without an end")
    head, _, begun = head.partition(b"\r\n\r\n")
    left = _length(head) - len(begun)
    while left > 0:
        count = connection.recv_into(buffer, min(left, PART_BYTES))
        if not count:
            return False
        left -= count
    return True


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return 0
