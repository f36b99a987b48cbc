"""Both ports, over real sockets: the webhooks' with TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import urllib.error
import urllib.request
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from sidecar.injector.config import InjectorConfig
from sidecar.injector.serving import app
from sidecar.injector.serving.app import BODY_LIMIT_BYTES, Views, admin_app, webhook_app
from sidecar.injector.serving.meters import Meters
from tests.certificates import self_signed
from tests.process import Answer
from tests.unit.injector.serving.parts import CONFIG, POD, TWO_PROBLEMS, encoded, review

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from starlette.types import ASGIApp

TIMEOUT_S = 30.0


@dataclass
class Injector:
    """Both ports of one, and what they are made of."""

    meters: Meters = field(default_factory=Meters)
    unready: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])
    port: int = 0
    admin_port: int = 0
    trusted: ssl.SSLContext | None = None

    @property
    def views(self) -> Views:
        config = InjectorConfig.parse(CONFIG)
        return Views(lambda: config, lambda: "an authority", lambda: self.unready, lambda: self.problems)

    async def post(self, path: str, body: bytes, method: str = "POST") -> Answer:
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", body, method=method)
        return await asyncio.to_thread(_answer, request, self.trusted)

    async def get(self, path: str) -> Answer:
        return await asyncio.to_thread(
            _answer, urllib.request.Request(f"http://127.0.0.1:{self.admin_port}{path}"), None
        )

    async def counted(self) -> dict[str, float]:
        """Reviews by webhook and result."""
        lines = (await self.get("/metrics")).body.decode().splitlines()
        found = [line.split(" ") for line in lines if line.startswith("sidecar_injector_reviews_total{")]
        return {name.removeprefix("sidecar_injector_reviews_total"): float(value) for name, value in found}


def _answer(request: urllib.request.Request, trusted: ssl.SSLContext | None) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=trusted) as found:
            return Answer(found.status, dict(found.headers.items()), found.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers.items()), error.read())


@asynccontextmanager
async def listening(served: ASGIApp, context: ssl.SSLContext | None) -> AsyncGenerator[int]:
    options: dict[str, Any] = {} if context is None else {"ssl_context_factory": lambda _config, _default: context}
    server = uvicorn.Server(uvicorn.Config(served, lifespan="off", ws="none", log_config=None, **options))
    bound = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve([bound]))
    try:
        yield bound.getsockname()[1]  # connections wait until it listens
    finally:
        server.should_exit = True
        await task
        bound.close()


@pytest.fixture
async def injector(tmp_path: Path) -> AsyncGenerator[Injector]:
    cert, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    made = Injector(trusted=ssl.create_default_context(cafile=cert))
    made.meters.watch(lambda: {"injector": 1.5e9}, lambda: made.problems)
    webhooks, admin = webhook_app(made.views, made.meters), admin_app(made.views, made.meters)
    async with listening(webhooks, context) as made.port, listening(admin, None) as made.admin_port:
        yield made


async def test_a_pod_is_patched_over_tls_and_counted(injector: Injector) -> None:
    answer = await injector.post("/mutate", encoded(review()))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert (answer.json["response"]["uid"], answer.json["response"]["allowed"]) == ("705ab4f5", True)
    assert answer.json["response"]["patchType"] == "JSONPatch"
    assert await injector.counted() == {'{result="patched",webhook="mutate"}': 1.0}


async def test_an_unguarded_pod_is_refused_by_verify(injector: Injector) -> None:
    answer = await injector.post("/verify", encoded(review()))
    assert (answer.status, answer.json["response"]["allowed"]) == (200, False)
    assert await injector.counted() == {'{result="refused",webhook="verify"}': 1.0}


async def test_a_refusal_is_in_the_log_with_the_pods_name(injector: Injector, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sidecar.injector")
    answer = await injector.post("/mutate", encoded(review(TWO_PROBLEMS)))
    assert not answer.json["response"]["allowed"]
    [line] = [record.getMessage() for record in caplog.records if record.name == "sidecar.injector"]
    assert line.startswith("/mutate: 'credit-7d-' in 'models' is refused: ")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"no JSON", "not JSON"),
        (encoded({**review(), "apiVersion": "admission.k8s.io/v1beta1"}), "admissionReviewVersions"),
        (b" " * (BODY_LIMIT_BYTES + 1), f"larger than {BODY_LIMIT_BYTES} bytes"),
    ],
)
async def test_a_bad_review_is_told_in_text(injector: Injector, body: bytes, problem: str) -> None:
    answer = await injector.post("/mutate", body)
    assert (answer.status, problem in answer.body.decode()) == (400, True)
    assert await injector.counted() == {'{result="bad",webhook="mutate"}': 1.0}


async def test_a_pod_of_a_megabyte_is_answered(injector: Injector) -> None:
    other = {"name": "other", "image": "other:1", "env": [{"name": "LARGE", "value": "x" * (1 << 20)}]}
    pod = {**POD, "spec": {"containers": [*POD["spec"]["containers"], other]}}
    answer = await injector.post("/mutate", encoded(review(pod)))
    assert (answer.status, answer.json["response"]["allowed"]) == (200, True)


async def test_a_review_that_does_not_come_is_given_up(injector: Injector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_TIMEOUT_S", 0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", injector.port, ssl=injector.trusted)
    writer.write(b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/mutate", 405), ("POST", "/other", 404)])
async def test_there_is_nothing_else(injector: Injector, method: str, path: str, status: int) -> None:
    assert (await injector.post(path, b"", method)).status == status
    assert await injector.counted() == {}


async def test_a_defect_of_ours_is_a_failure_and_allows_nothing(
    injector: Injector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "parse", break_down)
    assert (await injector.post("/mutate", encoded(review()))).status == 500
    assert await injector.counted() == {'{result="failed",webhook="mutate"}': 1.0}


async def test_health_says_what_stands_in_the_way(injector: Injector) -> None:
    assert (await injector.get("/health/live")).json == {"status": "live"}
    injector.problems.append("injector.yaml is no good")
    answer = await injector.get("/health/ready")
    assert (answer.status, answer.json) == (200, {"status": "ready", "problems": ["injector.yaml is no good"]})
    injector.unready.append("the certificate has ended")
    answer = await injector.get("/health/ready")
    assert answer.status == 503
    assert answer.json == {"status": "unready", "problems": ["the certificate has ended", "injector.yaml is no good"]}


async def test_the_page_tells_certificates_and_problems(injector: Injector) -> None:
    page = (await injector.get("/metrics")).body.decode()
    assert 'sidecar_injector_certificate_end_timestamp_seconds{certificate="injector"} 1.5e+09' in page
    assert "sidecar_injector_problems 0.0" in page
