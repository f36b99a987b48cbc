"""A model server that keeps the exact bytes that reach it, and misbehaves on demand.

It reads with its own few lines, so that nothing of the sidecar's reading can excuse itself. What a request is answered
with is a `Behaviour`: a function that is called at a request's first byte, and says whether the connection goes on.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Behaviour = Callable[["Talk"], bool]

SHORTEST_HEAD = b"GET / HTTP/1.1\r\n\r\n"
PREDICTION = orjson.dumps(
    {
        "model_name": "credit",
        "outputs": [
            {"name": "score", "shape": [1], "datatype": "FP64", "data": [0.5]},
            {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["approve"]},
        ],
    }
)


@dataclass(slots=True)
class Arrival:
    """One request as it came. Names in lower case; `raw` is its head, `body` its decoded body."""

    connection: int
    raw: bytes
    unix_ns: int
    body: bytes = b""
    whole: bool = False

    @property
    def line(self) -> bytes:
        return self.raw.partition(b"\r\n")[0]

    @property
    def target(self) -> bytes:
        return self.line.split(b" ")[1]

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        pairs = (line.partition(b":") for line in self.raw[:-4].split(b"\r\n")[1:])
        return [(name.lower(), value.strip(b" \t")) for name, _, value in pairs]

    def values(self, name: bytes) -> list[bytes]:
        """All values of a field."""
        return [value for key, value in self.fields if key == name]

    @property
    def decision_id(self) -> str:
        return b",".join(self.values(b"x-decision-id")).decode()


class Talk:
    """One connection from the sidecar, for a `Behaviour`."""

    def __init__(self, number: int, connection: socket.socket, arrivals: list[Arrival]) -> None:
        self.number = number
        self.socket = connection
        self._arrivals = arrivals
        self._buffer = b""

    def await_byte(self) -> bool:
        """Waits for a request; False: there is none to come."""
        return bool(self._buffer) or self._more()

    def head(self) -> Arrival:
        """Reads a head: from here on the request has arrived."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                raise ConnectionError
        raw, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        arrival = Arrival(self.number, raw + b"\r\n\r\n", time.time_ns())
        self._arrivals.append(arrival)
        return arrival

    def request(self) -> Arrival:
        """Reads a whole request."""
        return self.body(self.head())

    def body(self, arrival: Arrival) -> Arrival:
        """Reads the rest of a request whose head was read."""
        if arrival.values(b"transfer-encoding"):
            arrival.body = self._chunks()
        else:
            arrival.body = self._exactly(int(b"".join(arrival.values(b"content-length")) or b"0"))
        arrival.whole = True
        return arrival

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reset(self) -> None:
        """Ends the connection with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def await_end(self) -> None:
        """Says nothing until the sidecar ends the connection."""
        while self._more():
            pass

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._line().partition(b";")[0], 16):
            body += self._exactly(size)
            self._exactly(2)
        while self._line() != b"":
            pass
        return body

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if not self._more():
                raise ConnectionError
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._more():
                raise ConnectionError
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> bool:
        data = self.socket.recv(262_144)
        self._buffer += data
        return bool(data)


def response(
    body: bytes = PREDICTION, *fields: bytes, status: bytes = b"200 OK", kind: bytes = b"application/json"
) -> bytes:
    """A whole answer with a length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Type: " + kind, b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def predicts(talk: Talk) -> bool:
    """The good model server."""
    talk.request()
    talk.send(response())
    return True


@dataclass
class RecordingUpstream:
    """`behaviours` are used once each, in order; then it `predicts`. `strays`: what was no request at all."""

    port: int
    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    behaviours: deque[Behaviour] = field(default_factory=deque["Behaviour"])
    strays: list[str] = field(default_factory=list[str])
    connections: int = 0
    _open: set[socket.socket] = field(default_factory=set[socket.socket])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, connection: socket.socket, number: int) -> None:
        """One connection, to its end."""
        talk = Talk(number, connection, self.arrivals)
        self._open.add(connection)
        with contextlib.suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while talk.await_byte():
                behaviour = self.behaviours.popleft() if self.behaviours else predicts
                try:
                    if not behaviour(talk):
                        break
                except (ValueError, IndexError) as error:
                    self.strays.append(repr(error))
                    break
        self._open.discard(connection)

    def drop_idle(self) -> None:
        """Ends all connections, as a server does whose keep-alive time is over."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def recording_upstream() -> Generator[RecordingUpstream]:
    """Serves until the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        upstream = RecordingUpstream(listener.getsockname()[1])

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    upstream.connections += 1
                    arguments = (connection, upstream.connections)
                    threading.Thread(target=upstream.serve, args=arguments, daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield upstream
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            upstream.drop_idle()
            thread.join()
