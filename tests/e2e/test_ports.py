"""The other ports of a running sidecar: TLS in front, the control socket, spans to a collector."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.certificates import self_signed
from tests.e2e.test_run import BODY, PATH
from tests.process import Sidecar, example_data, fetch, sidecar, started, wait_until
from tests.upstream import Asked, answering, recording_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def test_the_data_port_speaks_tls_and_asks_clients_for_certificates(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, "localhost")
    flags = ["--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(cert)]
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, *flags) as running:
        context = ssl.create_default_context(cafile=str(cert))
        assert _infer(running.ports[0], running.issuer.token(), context) is None
        context.load_cert_chain(cert, key)
        assert _infer(running.ports[0], running.issuer.token(), context) == 200
        assert len(upstream.received) == 1


def _infer(address: str, token: str, context: ssl.SSLContext) -> int | None:
    """The status, or None where the connection is not accepted."""
    headers = {
        "Content-Type": "application/json",
        "X-Data-Version": "fresh",
        "X-Consent-Scope": "credit_scoring",
        "X-Protected-Group": "a",
        "X-Consent-Token": token,
    }
    connection = http.client.HTTPSConnection(address, context=context, timeout=10)
    try:
        connection.request("POST", PATH, json.dumps(BODY), headers)
        return connection.getresponse().status
    except (ssl.SSLError, ConnectionError):
        return None
    finally:
        connection.close()


def test_a_public_admin_port_hides_what_the_control_socket_shows(tmp_path: Path) -> None:
    flags = ["--admin", "0.0.0.0:0", "--control", str(tmp_path / "control.sock")]
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, *flags) as running:
        port = running.ports[1].rpartition(":")[2]
        shown = {path: _get(("127.0.0.1", int(port)), path) for path in ("/health/live", "/metrics", "/status")}
        assert shown == {"/health/live": 200, "/metrics": 200, "/status": 404}
        assert _get(str(tmp_path / "control.sock"), "/status") == 200


def _get(address: str | tuple[str, int], path: str) -> int:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.connect(address)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return int(client.makefile("rb").readline().split()[1])


@contextmanager
def collector() -> Generator[tuple[str, list[ExportTraceServiceRequest]]]:
    """An OTLP/HTTP endpoint that keeps what it is sent."""
    received: list[ExportTraceServiceRequest] = []

    def answer(asked: Asked) -> tuple[int, bytes]:
        is_zipped = asked.headers.get("Content-Encoding") == "gzip"
        received.append(ExportTraceServiceRequest.FromString(gzip.decompress(asked.body) if is_zipped else asked.body))
        return 200, b""

    with answering(answer) as url:
        yield url, received


def test_each_exchange_becomes_a_span_in_the_clients_trace(tmp_path: Path) -> None:
    trace_id, parent_id = "a" * 32, "b" * 16
    with (
        collector() as (url, received),
        recording_server() as upstream,
        sidecar(tmp_path, upstream.url, "--otlp", url) as running,
    ):
        # An unsampled trace is exported all the same: a client's flag never decides over evidence.
        answer = running.infer(PATH, BODY, Traceparent=f"00-{trace_id}-{parent_id}-00")
        running.infer(PATH, BODY, X_Data_Version="stale")
        wait_until(lambda: sum(len(_spans(request)) for request in received) == 2)
        spans = [span for request in received for span in _spans(request)]
        sent = {name.lower(): value for name, value in upstream.received[0][1].items()}
    released = next(span for span in spans if span.trace_id.hex() == trace_id)
    assert released.parent_span_id.hex() == parent_id
    assert sent["traceparent"] == f"00-{trace_id}-{released.span_id.hex()}-00"
    found = {attribute.key: attribute.value.string_value for attribute in released.attributes}
    assert found["sidecar.decision_id"] == answer.headers["x-decision-id"]
    assert (found["sidecar.result"], found["sidecar.data_version"]) == ("released", "fresh")
    assert found["sidecar.policy.revision"] == running.ready["policy_revision"]


def _spans(request: ExportTraceServiceRequest) -> list[Any]:
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


def own_address() -> str:
    """The address by which others reach this machine; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return probe.getsockname()[0]


def test_a_sidecar_is_not_ready_while_its_model_can_be_reached_past_it(tmp_path: Path) -> None:
    host = own_address()
    with socket.create_server((host, 0)) as model:
        port = model.getsockname()[1]
        flags = ["--self-check", "strict", "--self-check-host", host, "--self-check-ports", str(port)]
        flags += ["--engine", "embedded", "--server", "mlserver"]
        (tmp_path / "data.json").write_text(json.dumps(example_data()))
        with started(tmp_path, "http://127.0.0.1:1", *flags, "--data", str(tmp_path / "data.json")) as running:
            wait_until(lambda: f'sidecar_model_exposed{{port="{port}"}} 1.0' in running.metrics())
            wait_until(lambda: len(_unready(running)) == 1)
            assert f"the model is reachable past the sidecar on {host}:{port}" in _unready(running)[0]
            assert running.status()["self_check"] == {"mode": "strict", "host": host, "exposed_ports": [port]}
            model.close()
            running.await_ready()
            assert _unready(running) == []
    told = [record["details"] for record in running.records() if record.get("event") == "exposure_changed"]
    assert told == [{"host": host, "exposed_ports": [port]}, {"host": host, "exposed_ports": []}]


def _unready(running: Sidecar) -> list[str]:
    return fetch(f"{running.admin_url}/health/ready").json["reasons"]


def test_the_admin_port_performs_the_probes_that_the_kubelet_cannot(tmp_path: Path) -> None:
    with recording_server() as upstream:
        port = int(upstream.url.rpartition(":")[2])
        probes = {
            "model/liveness": {"tcp": {"port": port}},
            "model/readiness": {"http": {"port": port, "path": "/ready"}},
            "model/startup": {"http": {"port": 1}},
        }
        with sidecar(tmp_path, upstream.url, "--admin", "0.0.0.0:0", "--probes", json.dumps(probes)) as running:
            admin = f"http://127.0.0.1:{running.ports[1].rpartition(':')[2]}"
            answers = [fetch(f"{admin}/app-health/{name}").status for name in (*probes, "model/other")]
    assert answers == [200, 200, 503, 404]
