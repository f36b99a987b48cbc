"""A wire between the sidecar and a model server that remembers every byte that goes to the server."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_READ_BYTES = 1 << 16


class Tap:
    """Connect to `url` instead of the server; `sent` is what reached the server, over all connections."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self.sent = bytearray()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Ends every connection."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        to_server = target.getpeername() == self._server
        with suppress(OSError):  # either side is gone
            while data := source.recv(_READ_BYTES):
                if to_server:
                    self.sent += data
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def tapped(url: str) -> Generator[Tap]:
    """A tap in front of `http://HOST:PORT`."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    tap = Tap(host, int(port))
    try:
        yield tap
    finally:
        tap.close()
