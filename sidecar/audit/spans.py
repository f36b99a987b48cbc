"""Spans made from finished exchanges, in a thread of their own.

A span is a projection: the audit log is the truth. So nothing here blocks the exchange; what a slow or dead
collector does not take is dropped and counted.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from sidecar.audit.span import SpanData, read_span

if TYPE_CHECKING:
    from sidecar.audit.otlp import OtlpSender

QUEUE_LIMIT = 4_096
"""Exchanges that wait; about 12 MiB of records."""
BATCH_SPANS = 128
"""Enough to spread the cost of a call, few enough to encode in some 20 ms."""
INTERVAL_S = 1.0
SEND_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
SWITCH_INTERVAL_S = 0.0005
"""How soon the event loop gets the interpreter back while a batch is encoded, some 130 µs a span. Python's
default of 5 ms makes the loop's delay at p99 about half as long again, measured with the spans of 1,000 exchanges/s."""
TRACES_PATH = "/v1/traces"
"""Where a collector listens by the OTLP specification; taken for a URL that names no path."""


class OtlpMissingError(Exception):
    """The `otlp` extra is not installed; the message has the remedy."""


class SpanExporter:
    """The trail's observer: queues finished exchanges, a thread sends their spans.

    `exported_total` counts spans that the collector took, `dropped_total` those given up, by cause.
    """

    def __init__(self, url: str, *, version: str, log_id: str) -> None:
        """`url`: an OTLP/HTTP endpoint; `log_id` names the instance. Raises OtlpMissingError."""
        self._sender = _sender(url, version, log_id)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._queue: deque[tuple[bytes, bytes | None]] = deque()
        self._wake = threading.Event()
        self._deadline_s: float | None = None
        self.exported_total = 0
        self.dropped_total = {"queue_full": 0, "export_failed": 0, "closed": 0}
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def finished(self, opening: bytes, closing: bytes | None) -> None:
        """Queues one exchange, or drops it where the queue is full."""
        if len(self._queue) >= QUEUE_LIMIT:
            self.dropped_total["queue_full"] += 1
            return
        self._queue.append((opening, closing))
        if len(self._queue) >= BATCH_SPANS:
            self._wake.set()

    async def aclose(self) -> None:
        """Sends what is queued, for two seconds at most; what is left then is dropped and counted."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._deadline_s = time.monotonic() + CLOSE_TIMEOUT_S
        self._wake.set()
        self._thread.join(CLOSE_TIMEOUT_S)
        self._sender.shutdown()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while self._deadline_s is None:
            self._wake.wait(INTERVAL_S)
            self._wake.clear()
            self._drain()
        self._drain()
        self.dropped_total["closed"] += len(self._queue)

    def _drain(self) -> None:
        while self._queue and not (self._deadline_s and time.monotonic() > self._deadline_s):
            batch = self._batch()
            if self._sender.send(batch):
                self.exported_total += len(batch)
            else:
                self.dropped_total["export_failed"] += len(batch)

    def _batch(self) -> list[SpanData]:
        batch: list[SpanData] = []
        while self._queue and len(batch) < BATCH_SPANS:
            opening, closing = self._queue.popleft()
            batch.append(read_span(orjson.loads(opening), orjson.loads(closing) if closing else None))
        return batch


def traces_url(url: str) -> str:
    """The URL that spans are sent to."""
    return url.rstrip("/") + TRACES_PATH if urlsplit(url).path in ("", "/") else url


def _sender(url: str, version: str, log_id: str) -> OtlpSender:
    try:
        from sidecar.audit.otlp import OtlpSender  # noqa: PLC0415 - 20 MiB that only those pay who want spans
    except ImportError as error:
        raise OtlpMissingError("--otlp needs the otlp extra: pip install 'model-policy-sidecar[otlp]'") from error
    return OtlpSender(traces_url(url), version=version, instance=log_id, timeout_s=SEND_TIMEOUT_S)
