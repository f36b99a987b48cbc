from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from sidecar.ship import collector as module
from sidecar.ship.collector import Accepted, Collector, Rejected, Signal, base_url
from sidecar.ship.destination import Unavailable
from sidecar.ship.environment import Exporter
from tests.certificates import self_signed
from tests.unit.ship.scripted import Answer, ScriptedCollector, rejected, rejected_logs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPORTER = Exporter({}, is_gzip=False, timeout_s=5.0, ca_file=None, client_cert_file=None, client_key_file=None)
QUICK = Exporter({}, is_gzip=False, timeout_s=0.1, ca_file=None, client_cert_file=None, client_key_file=None)


def unavailable(client: Collector, signal: Signal = Signal.TRACES) -> Unavailable:
    with pytest.raises(Unavailable) as found:
        client.send(signal, b"")
    return found.value


@pytest.mark.parametrize("signal", list(Signal))
def test_an_empty_answer_takes_all(collector: ScriptedCollector, signal: Signal) -> None:
    assert Collector(collector.url, EXPORTER).send(signal, b"") == Accepted(0, "")
    [got] = collector.got
    assert got.path == signal
    assert {name.lower(): value for name, value in got.headers.items()} == {
        "host": collector.url.removeprefix("http://"),
        "accept-encoding": "identity",
        "content-length": "0",
        "content-type": "application/x-protobuf",
        "user-agent": "model-policy-sidecar",
    }


def test_headers_and_compression_of_the_environment(collector: ScriptedCollector) -> None:
    exporter = Exporter({"authorization": "Bearer x"}, True, 5.0, None, None, None)
    Collector(collector.url, exporter).send(Signal.TRACES, b"")
    assert collector.got[0].headers["authorization"] == "Bearer x"
    assert collector.got[0].headers["content-encoding"] == "gzip"


def test_a_partial_success_tells_how_many_and_why(collector: ScriptedCollector) -> None:
    collector.answers.extend((rejected(3, "too old"), rejected_logs(2)))
    client = Collector(collector.url, EXPORTER)
    assert client.send(Signal.TRACES, b"") == Accepted(3, "too old")
    assert client.send(Signal.LOGS, b"") == Accepted(2, "")


@pytest.mark.parametrize("status", [400, 413])
def test_what_is_refused_for_good(collector: ScriptedCollector, status: int) -> None:
    collector.fallback = Answer(status, b"bad\r\ndata")
    told = f"{status} from {collector.url}/v1/traces: bad data"
    assert Collector(collector.url, EXPORTER).send(Signal.TRACES, b"") == Rejected(status, told)


@pytest.mark.parametrize("status", [401, 403, 404, 408, 422, 429, 500, 501, 502, 503, 504])
def test_everything_else_is_tried_again(collector: ScriptedCollector, status: int) -> None:
    collector.fallback = Answer(status, b"later")
    assert str(unavailable(Collector(collector.url, EXPORTER))) == f"{status} from {collector.url}/v1/traces: later"


@pytest.mark.parametrize(
    ("value", "expected_s"), [("7", 7.0), ("nonsense", 0.0), ("-5", 0.0), (formatdate(0, usegmt=True), 0.0)]
)
def test_retry_after_is_passed_on(collector: ScriptedCollector, value: str, expected_s: float) -> None:
    collector.fallback = Answer(429, headers={"Retry-After": value})
    assert unavailable(Collector(collector.url, EXPORTER)).retry_after_s == expected_s


def test_retry_after_may_be_a_date() -> None:
    assert module._retry_after_s("Sun, 22 Nov 2026 10:00:30 GMT", 1_795_341_600.0) == 30.0


def test_a_redirect_is_not_followed(collector: ScriptedCollector) -> None:
    collector.fallback = Answer(307, headers={"Location": f"{collector.url}/elsewhere"})
    assert "redirects are not followed" in str(unavailable(Collector(collector.url, EXPORTER)))
    assert [got.path for got in collector.got] == ["/v1/traces"]


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"{}", b"\xff\xff\xff"])
def test_an_answer_that_is_no_otlp_acknowledges_nothing(collector: ScriptedCollector, body: bytes) -> None:
    collector.fallback = Answer(200, body)
    assert "is there a collector?" in str(unavailable(Collector(collector.url, EXPORTER)))


@pytest.mark.parametrize("raw", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_an_answer_that_is_no_http_acknowledges_nothing(collector: ScriptedCollector, raw: bytes) -> None:
    collector.fallback = Answer(raw=raw)
    unavailable(Collector(collector.url, EXPORTER))


def test_an_answer_without_end_is_cut(collector: ScriptedCollector) -> None:
    collector.fallback = Answer(503, b"x" * 10_000_000)
    assert len(str(unavailable(Collector(collector.url, EXPORTER)))) < 300


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" in str(unavailable(Collector(f"http://127.0.0.1:{port}", EXPORTER)))


def test_a_collector_that_hangs_is_given_up(collector: ScriptedCollector) -> None:
    collector.gate.clear()
    assert "timed out" in str(unavailable(Collector(collector.url, QUICK)))


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends its answer a byte at a time, and never ends it."""
    ended = threading.Event()

    def drip() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"1\r\nx\r\n")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        thread.join()


def test_a_collector_that_drips_is_given_up(dripping: str) -> None:
    assert "503" in str(unavailable(Collector(dripping, QUICK)))


@pytest.mark.parametrize("status", [404, 405])
def test_a_sound_collector_without_logs_refuses_all_of_them(collector: ScriptedCollector, status: int) -> None:
    collector.by_path["/v1/logs"] = Answer(status)
    answer = Collector(collector.url, EXPORTER).send(Signal.LOGS, b"")
    assert isinstance(answer, Rejected)
    assert answer.is_all
    assert "takes no log records" in answer.message


def test_logs_that_are_not_found_where_nothing_is_are_tried_again(collector: ScriptedCollector) -> None:
    """As an ingress answers whose collector is away."""
    collector.fallback = Answer(404)
    assert "404" in str(unavailable(Collector(collector.url, EXPORTER), Signal.LOGS))


def test_whether_it_is_sound(collector: ScriptedCollector) -> None:
    client = Collector(collector.url, EXPORTER)
    assert client.is_sound()
    for status in (400, 503):
        collector.fallback = Answer(status)
        assert not client.is_sound()


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://c:4318", "http://c:4318"),
        ("http://c:4318/", "http://c:4318"),
        ("https://c/otlp/", "https://c/otlp"),
        ("https://c/otlp/v1/traces", "https://c/otlp"),
    ],
)
def test_signals_have_their_paths_behind_the_url(given: str, base: str) -> None:
    assert base_url(given) == base


def test_tls_is_verified_and_a_client_certificate_is_shown(tmp_path: Path) -> None:
    cert_file, key_file = self_signed(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert_file, key_file)
    tls.load_verify_locations(cert_file)
    tls.verify_mode = ssl.CERT_REQUIRED
    known = replace(EXPORTER, ca_file=str(cert_file))
    secured = ScriptedCollector(tls)
    try:
        with_certificate = replace(known, client_cert_file=str(cert_file), client_key_file=str(key_file))
        assert Collector(secured.url, with_certificate).send(Signal.TRACES, b"") == Accepted(0, "")
        assert "certificate" in str(unavailable(Collector(secured.url, EXPORTER)))
        unavailable(Collector(secured.url, known))
    finally:
        secured.close()
    assert len(secured.got) == 1
