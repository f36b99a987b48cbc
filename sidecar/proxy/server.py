"""Strict HTTP/1.1 under uvicorn's server: its httptools protocol with another way of reading.

Nothing of an unacceptable request reaches the app as a request. A violation is handed over as data
(`Incoming.violation`), so that it leaves its record and gets an answer like any other, in its turn;
then the connection closes, since nobody knows where the next request would begin (RFC 9112 11.2).

What this relies on in uvicorn is pinned by `tests/unit/proxy/test_server.py`: the server makes the protocol,
tells it `shutdown`, and knows of its `connections` and `tasks`; `RequestResponseCycle` runs the app, frames
its answer, and calls `on_response`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, cast

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sidecar.http1.request_reader import Head, RequestReader, Violation
from sidecar.model.budget import Budget
from sidecar.proxy.cycle import ResponseTransport, cycle_of
from sidecar.proxy.incoming import CROWDED, ENDED, SLOW, HttpLimits, Incoming

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGI3Application

    from sidecar.model.reasons import Reason
    from sidecar.proxy.cycle import Cycle

SLICE_BYTES = 16 * 1024
"""Parsed at once; between slices parsing stops if a further request already waits for its turn."""

LINGER_S = 2.0
"""How long a client may go on sending, unheard, once its answer is written."""


def strict_protocol(limits: HttpLimits, clients: Budget | None = None) -> type[StrictProtocol]:
    """The class for `uvicorn.Config(http=…)`, bound to these limits. `clients`: where connections are counted."""
    return type(
        "BoundStrictProtocol",
        (StrictProtocol,),
        {"limits": limits, "clients": clients or Budget(limits.max_connections)},
    )


class StrictProtocol(HttpToolsProtocol):
    """One client connection. The base class keeps the server's side; reading and queueing are our own."""

    limits: ClassVar[HttpLimits] = HttpLimits()
    clients: ClassVar[Budget] = Budget(limits.max_connections)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reader = RequestReader(
            self,
            section_limit_bytes=self.limits.header_section_limit_bytes,
            count_limit=self.limits.header_count_limit,
        )
        # uvicorn leaves the app's type to mypy's inference
        self._app = cast("ASGI3Application", self.app)  # pyright: ignore[reportUnknownMemberType]
        self._responses: ResponseTransport | None = None
        self._held = bytearray()  # received, not parsed: behind a request that waits for its turn
        self._deaf = False  # nothing more is read from this connection
        self._lingering = False
        self._ended = False  # the client sends no more
        self._crowded = False
        self._keep_until_s = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        self._reading: Cycle | None = None
        self._working: Cycle | None = None
        self._task: asyncio.Task[None] | None = None

    # The connection's life.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A new client, which has until `head_timeout_s` to say something."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._responses = ResponseTransport(self.transport, self._close)
        self._keep_until_s = self.loop.time() + self.limits.keep_alive_time_s
        self.clients.hold(1)
        self._crowded = not self.clients.fits(0)
        if len(self.connections) > 2 * self.limits.max_connections:
            self._deaf = True
            self.transport.abort()
            return
        self._timer = self.loop.call_later(self.limits.head_timeout_s, self._expire)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._deaf:
            return
        if not (self._reader.in_head or self._reader.in_body):
            self._disarm()
        if self.pipeline:
            self._held += data  # reading is paused already: this is the last that was on its way
        else:
            self._parse(data)

    # asyncio's own signature, of which uvicorn narrows the result to None
    def eof_received(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The client sends no more. True keeps the other direction open, to tell what is wrong with that."""
        self._ended = True
        if self.scheme == "https" or self._lingering:  # TLS does not close by halves
            return False
        if not self._deaf and (self._reader.in_head or self._reader.in_body):
            self._violate(ENDED)
        return self._is_busy() and self._working is not None and self._working.incoming.violation is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the work for a client that is gone; a refusal goes on, for its record."""
        self.clients.release(1)
        if self._reader.in_body and not self._deaf:
            self._violate(ENDED)
        self._deaf = True
        self._disarm()
        self._disarm_unread()
        self.pipeline.clear()
        super().connection_lost(exc)
        self._untie()
        working = self._working
        if working is None or working.response_complete:
            self._working = None
            return
        working.disconnected = working.incoming.lost = True
        working.message_event.set()
        if working.incoming.may_abandon and self._task is not None:
            self._task.cancel()

    def _untie(self) -> None:
        """What points back here goes, or each connection would wait in memory for the garbage collector, for long.

        A cycle still at work has its own way to the transport, and ends by itself.
        """
        self._reader.close()
        cast("ResponseTransport", self._responses).untie()
        self._responses = None
        self.cycle = cast("Cycle", None)  # as uvicorn has it before the first request
        self._reading = None

    def pause_writing(self) -> None:
        """The client leaves its answer unread; it has until `write_timeout_s`."""
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.limits.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        self._disarm_unread()

    def _disarm_unread(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _is_busy(self) -> bool:
        return self._working is not None and not self._working.response_complete

    # Reading. The callbacks of `RequestReader` are `head_read`, `body_read` and `request_read`.

    def _parse(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        for start in range(0, len(view), SLICE_BYTES):
            if self._deaf:
                return
            if self.pipeline:
                self._held += view[start:]
                break
            try:
                self._reader.feed(view[start : start + SLICE_BYTES])
            except Violation as violation:
                self._violate(violation.reason)
        self._arm()

    def head_read(self, head: Head) -> Reason | None:
        """A request begins."""
        if self._deaf:
            return None
        self._disarm()
        if self._crowded and head.framing is not None and head.framing.length_bytes != 0:
            return CROWDED
        self._begin(head, Incoming(head.framing))
        return None

    def body_read(self, part: bytes) -> None:
        """Part of the body, for the front to fetch; reading pauses while it does not."""
        reading = self._reading
        if self._deaf or reading is None or reading.response_complete:
            return
        reading.body += part
        if len(reading.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        reading.message_event.set()

    def request_read(self) -> None:
        """The request is whole."""
        reading = self._reading
        if self._deaf or reading is None:
            return
        self._disarm()
        self._deaf = not reading.keep_alive
        reading.more_body = False
        reading.message_event.set()

    def _violate(self, reason: Reason) -> None:
        """Tells the front what is wrong with the request being read; nothing more is read after it."""
        if self._deaf:
            return
        self._deaf = True
        self._disarm()
        if self._reader.in_body and self._reading is not None:
            self._reading.incoming.violation = reason
            self._reading.keep_alive = False
            self._reading.message_event.set()
        else:
            self._begin(self._reader.refused_head(), Incoming(None, reason))

    # Answering: one request after the other.

    def _begin(self, head: Head, incoming: Incoming) -> None:
        transport = cast("asyncio.Transport", self._responses)
        cycle = cycle_of(self, head, incoming, transport, keep_alive=head.keep_alive and not self._crowded)
        cycle.keep_until_s = self._keep_until_s
        queued = self._is_busy()
        self.cycle = self._reading = cycle
        if queued:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self._app))
        else:
            self._start(cycle)

    def _start(self, cycle: Cycle) -> None:
        self._working = cycle
        self._task = self.loop.create_task(cycle.run_asgi(self._app))
        self._task.add_done_callback(self.tasks.discard)
        self.tasks.add(self._task)

    def on_response_complete(self) -> None:
        """The next request's turn, if there is one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing() or self._lingering:
            return
        if self._reader.in_body and self._working is self._reading:
            self._close()  # answered without reading it all: what comes next is no request
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start(cast("Cycle", self.pipeline.pop()[0]))
        if self._held and not self.pipeline:
            held, self._held = self._held, bytearray()
            self._parse(held)
        else:
            self._arm()

    def _close(self) -> None:
        """After an answer.

        Closing a socket with unread input resets the connection, and the reset may overtake the answer
        (RFC 9112 9.6): a client that is still sending would never see its 413. So: end our side, and read and
        drop the rest for a while.
        """
        unread = self._reader.in_head or self._reader.in_body
        self._deaf = True
        if self._ended or not unread or not self.transport.can_write_eof() or self.transport.is_closing():
            self.transport.close()
        elif not self._lingering:
            self._lingering = True
            self._disarm()
            self.transport.write_eof()
            self.flow.resume_reading()
            self._timer = self.loop.call_later(LINGER_S, self._expire)

    # Time. One timer: what it waits for follows from what is being read.

    def _arm(self) -> None:
        if self._timer is not None or self._deaf or self.pipeline:
            return
        if self._reader.in_head:
            delay_s = self.limits.head_timeout_s
        elif self._reader.in_body:
            delay_s = self.limits.body_timeout_s
        elif self._is_busy():
            return
        else:
            delay_s = self.limits.keep_alive_timeout_s
        self._timer = self.loop.call_later(delay_s, self._expire)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        if self._lingering:
            self.transport.abort()
        elif self._reader.in_head or self._reader.in_body:
            self._violate(SLOW)
        else:
            self.transport.close()
