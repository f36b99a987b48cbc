"""One request to an OpenTelemetry collector over OTLP/HTTP, and what its answer means.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-response — stricter in one thing: whatever is neither taken nor
rejected is tried again, for as long as it takes.
"""

from __future__ import annotations

import enum
import gzip
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import urllib3
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from sidecar.ship.destination import Unavailable

if TYPE_CHECKING:
    from sidecar.ship.environment import Exporter

ANSWER_LIMIT_BYTES = 64 * 1024
REJECTED = (400, 413)
"""Statuses that blame the content. 413: a smaller batch may pass."""
NO_SUCH_SIGNAL = (404, 405)
TOLD_LIMIT = 200


class Signal(enum.StrEnum):
    """A kind of telemetry, by the path where collectors take it."""

    TRACES = "/v1/traces"
    LOGS = "/v1/logs"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The collector answered for the batch; it dropped `rejected` items of it and says why."""

    rejected: int
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The collector will not have this batch, however often it is sent; with `is_all`, nor any part of it."""

    status: int
    message: str
    is_all: bool = False


class Collector:
    """A collector at a base URL. Redirects are not followed, and no proxy of the environment is used."""

    def __init__(self, url: str, exporter: Exporter) -> None:
        self._url = base_url(url)
        self._exporter = exporter
        encoding = {"content-encoding": "gzip"} if exporter.is_gzip else {}
        ours = {"content-type": "application/x-protobuf", "user-agent": "model-policy-sidecar"}
        self._headers = {**exporter.headers, **ours, **encoding}
        self._pool = urllib3.PoolManager(
            num_pools=1,
            retries=False,
            timeout=exporter.timeout_s,
            ca_certs=exporter.ca_file,
            cert_file=exporter.client_cert_file,
            key_file=exporter.client_key_file,
        )

    def send(self, signal: Signal, request: bytes) -> Accepted | Rejected:
        """Sends one export request. Raises Unavailable where it must be sent again."""
        url = self._url + signal
        status, content, retry_after = self._post(url, request)
        if status in range(200, 300):
            return _accepted(signal, content, url)
        told = f"{status} from {url}: {_shown(content)}"
        if status in REJECTED:
            return Rejected(status, told)
        if signal is Signal.LOGS and status in NO_SUCH_SIGNAL and self.is_sound():
            return Rejected(status, f"the collector takes no log records: {told}", is_all=True)
        if status in range(300, 400):
            told += " (redirects are not followed)"
        raise Unavailable(told, _retry_after_s(retry_after, time.time()))

    def is_sound(self) -> bool:
        """Whether the collector takes a request with nothing in it: then a rejection is a matter of the content.

        Without this, a wrong URL whose server answers 400 to everything would have everything counted as rejected.
        """
        try:
            return isinstance(self.send(Signal.TRACES, b""), Accepted)
        except Unavailable:
            return False

    def _post(self, url: str, request: bytes) -> tuple[int, bytes, str | None]:
        """Status, the beginning of the body, and `Retry-After`."""
        body = gzip.compress(request, compresslevel=1) if self._exporter.is_gzip else request
        try:
            answer = self._pool.request(
                "POST", url, body=body, headers=self._headers, redirect=False, preload_content=False
            )
            try:
                return answer.status, self._read(answer), answer.headers.get("retry-after")
            finally:
                answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"{url}: {error}") from error

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        """The body, unless it is too long or comes too slowly: then the connection is of no more use."""
        deadline_s = time.monotonic() + self._exporter.timeout_s
        content = b""
        for chunk in answer.stream(4_096, decode_content=False):
            content += chunk
            if len(content) > ANSWER_LIMIT_BYTES or time.monotonic() > deadline_s:
                answer.close()
                break
        return content


def base_url(url: str) -> str:
    """The URL that signals' paths are put behind; one that names the path for traces is understood."""
    return url.rstrip("/").removesuffix(Signal.TRACES)


def _accepted(signal: Signal, content: bytes, url: str) -> Accepted:
    """What the collector took. Raises Unavailable for what is no answer of OTLP's: it acknowledges nothing."""
    try:
        if signal is Signal.TRACES:
            traces = ExportTraceServiceResponse.FromString(content).partial_success
            return Accepted(traces.rejected_spans, traces.error_message)
        logs = ExportLogsServiceResponse.FromString(content).partial_success
        return Accepted(logs.rejected_log_records, logs.error_message)
    except DecodeError as error:
        raise Unavailable(f"{url} answers, but not in OTLP: is there a collector? {_shown(content)}") from error


def _retry_after_s(value: str | None, now_unix_s: float) -> float:
    """RFC 9110, section 10.2.3: seconds or a date. 0 where it is absent or neither."""
    if value is None:
        return 0.0
    if value.isdecimal():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - now_unix_s, 0.0)
    except ValueError:
        return 0.0


def _shown(content: bytes) -> str:
    """The beginning of an answer for a log line."""
    return " ".join(content[:TOLD_LIMIT].decode(errors="replace").split())
