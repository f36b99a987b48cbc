"""A client's bytes, damaged and cut into reads; and a front that gets them without a socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from uvicorn.server import ServerState

from tests.unit.proxy.wire import configured

if TYPE_CHECKING:
    from sidecar.proxy.front import Front
    from sidecar.proxy.incoming import HttpLimits
    from sidecar.proxy.server import StrictProtocol

JUNK = st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b":", b"\0", b"\xff", b"0", b",", b"\t", b";", b"#", b"?"])


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(good)))
        good = good[:at] + draw(JUNK) + good[at + draw(st.integers(0, 2)) :]
    return good


@st.composite
def cut(draw: st.DrawFn, whole: bytes) -> list[bytes]:
    places = sorted(draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=8)))
    return [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]


class Transport(asyncio.Transport):
    """A client without a socket."""

    def __init__(self) -> None:
        super().__init__({"peername": ("10.0.0.1", 1), "sockname": ("10.0.0.2", 2)})
        self.written = bytearray()
        self.closed = False
        self.reading = asyncio.Event()
        self.reading.set()

    def write(self, data: bytes) -> None:  # type: ignore[override]
        if not self.closed:
            self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        self.reading.clear()

    def resume_reading(self) -> None:
        self.reading.set()


class Client:
    """One connection to a front, without a socket."""

    def __init__(self, front: Front, limits: HttpLimits) -> None:
        config = configured(front, limits)
        self.state = ServerState()
        self.protocol: StrictProtocol = config.http_protocol_class(config=config, server_state=self.state, app_state={})
        self.transport = Transport()
        self.protocol.connection_made(self.transport)

    async def say(self, piece: bytes) -> None:
        """One read, as soon as the front reads."""
        await self.transport.reading.wait()
        if not self.transport.closed:
            self.protocol.data_received(piece)

    def end(self) -> None:
        """No more is said."""
        if not self.transport.closed:
            self.protocol.eof_received()

    async def leave(self) -> bytes:
        """What was written to the client, once everything has ended."""
        self.protocol.connection_lost(None)
        await asyncio.gather(*self.state.tasks)
        return bytes(self.transport.written)
