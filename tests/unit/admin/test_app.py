from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from sidecar.admin.app import admin_app

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

RECORDS = [b'{"kind":"INTENT"}', b'{"kind":"OUTCOME"}']
KNOWN = "0" * 32


async def well() -> None:
    """A probe that finds nothing wrong."""


async def ill() -> str:
    return "answered 500"


@dataclass(frozen=True)
class Shown:
    """`Views` that stand still."""

    reasons: tuple[str, ...] = ()
    stuck_because: tuple[str, ...] = ()
    probes: Mapping[str, Callable[[], Awaitable[str | None]]] = field(
        default_factory=lambda: {"model/liveness": well, "model/readiness": ill}
    )

    async def stuck(self) -> tuple[str, ...]:
        return self.stuck_because

    async def unready(self) -> tuple[str, ...]:
        return self.reasons

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        return f"# for {accept}\n".encode(), "text/x-page; version=7; charset=utf-8"

    async def status(self) -> dict[str, object]:
        return {"mode": "enforce"}

    async def decision(self, decision_id: str) -> list[bytes]:
        return RECORDS if decision_id == KNOWN else []


def client(*, private: bool = True, unready: tuple[str, ...] = ()) -> TestClient:
    return TestClient(admin_app(Shown(unready), private=private))


def test_who_is_stuck_does_not_live() -> None:
    port = TestClient(admin_app(Shown(stuck_because=("worker 1 does not answer",)), private=False))
    answer = port.get("/health/live")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "stuck", "reasons": ["worker 1 does not answer"]},
    )


def test_live_says_so_whatever_the_state() -> None:
    answer = client(unready=("stopping",)).get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


@pytest.mark.parametrize(
    ("unready", "status", "body"),
    [
        ((), 200, {"status": "ready", "reasons": []}),
        (("no policy",), 503, {"status": "unready", "reasons": ["no policy"]}),
    ],
)
def test_ready_says_why_not(unready: tuple[str, ...], status: int, body: dict[str, object]) -> None:
    answer = client(unready=unready).get("/health/ready")
    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize("private", [True, False])
def test_a_recorded_probe_is_performed_for_whoever_asks(private: bool) -> None:
    port = client(private=private)
    answers = [port.get(f"/app-health/{name}") for name in ("model/liveness", "model/readiness", "model/startup", "")]
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (200, {"status": "well"}),
        (503, {"status": "ill", "reason": "answered 500"}),
        (404, {"error": "no such probe was recorded (--probes)"}),
        (404, {"error": "no such probe was recorded (--probes)"}),
    ]


def test_metrics_are_in_the_form_that_is_asked_for() -> None:
    answer = client().get("/metrics", headers={"accept": "text/x-page"})
    assert (answer.content, answer.headers["content-type"]) == (
        b"# for text/x-page\n",
        "text/x-page; version=7; charset=utf-8",
    )


def test_a_decision_is_its_records_as_they_stand_in_the_log() -> None:
    answer = client().get(f"/decisions/{KNOWN}")
    assert (answer.status_code, answer.content) == (200, b"[" + b",".join(RECORDS) + b"]")


@pytest.mark.parametrize(("decision_id", "status"), [("1" * 32, 404), ("nonsense", 400), ("0" * 31, 400)])
def test_a_decision_that_is_not_at_hand(decision_id: str, status: int) -> None:
    assert client().get(f"/decisions/{decision_id}").status_code == status


@pytest.mark.parametrize("path", ["/status", f"/decisions/{KNOWN}"])
def test_what_is_private_is_absent_elsewhere(path: str) -> None:
    assert client().get(path).status_code == 200
    assert client(private=False).get(path).status_code == 404
