"""A client that sends bytes as they are, and reads answers without forgiving anything."""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from types import TracebackType

DEADLINE_S = 8.0
"""For each read: nothing here may take longer, but for what is slow on purpose."""

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]*")


class Ended(Exception):
    """The server closed the connection, or reset it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One final answer. Names in lower case."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The field's one value; empty where it is absent."""
        values = [value for key, value in self.fields if key == name]
        assert len(values) < 2, f"{name} twice"
        return values[0] if values else ""

    @property
    def codes(self) -> tuple[str, ...]:
        """A refusal's reasons."""
        if self.header("content-type") != "application/problem+json" or not self.body:
            return ()
        return tuple(reason["code"] for reason in orjson.loads(self.body)["reasons"])


class Client:
    """One connection. A read that takes longer than `DEADLINE_S` fails the test with TimeoutError."""

    def __init__(self, address: tuple[str, int], deadline_s: float = DEADLINE_S) -> None:
        self.socket = socket.create_connection(address, timeout=deadline_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """A server that has already refused may reset the connection while we still send."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def end(self) -> None:
        """No more is sent."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next final answer; raises `Ended`."""
        while True:
            lines = self._until(b"\r\n\r\n")[:-4].split(b"\r\n")
            match = _STATUS.fullmatch(lines[0])
            assert match, f"no status line: {lines[0][:80]!r}"
            if int(match[1]) >= 200:
                return self._body(int(match[1]), lines[1:], to_head=to_head)

    def _body(self, status: int, lines: list[bytes], *, to_head: bool) -> Answer:
        pairs = (line.decode("latin-1").partition(": ") for line in lines)
        answer = Answer(status, tuple((name.lower(), value) for name, _, value in pairs), b"")
        if to_head or status in (204, 304):
            return answer
        if answer.header("transfer-encoding"):
            return Answer(status, answer.fields, self._chunks())
        return Answer(status, answer.fields, self._exactly(int(answer.header("content-length"))))

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            assert self._exactly(2) == b"\r\n"
        assert self._until(b"\r\n") == b"\r\n"
        return body

    def rest(self) -> bytes:
        """Everything until the server closes."""
        with contextlib.suppress(Ended):
            while True:
                self._more()
        rest, self._buffer = self._buffer, b""
        return rest

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(mark)
        return found + mark

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> None:
        try:
            data = self.socket.recv(65_536)
        except ConnectionError as error:
            raise Ended from error
        if not data:
            raise Ended
        self._buffer += data
