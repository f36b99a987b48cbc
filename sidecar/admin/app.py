"""The admin port as an ASGI application: health and metrics for everyone, the rest for this machine only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import orjson
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

_DECISION_ID = re.compile(r"[0-9a-f]{32}")


class Views(Protocol):
    """What the port shows: the admin room knows none of the parts behind it, nor of how many processes they are."""

    @property
    def probes(self) -> Mapping[str, Callable[[], Awaitable[str | None]]]:
        """Those of the model server, by `CONTAINER/liveness` and the like: None where it is well, else what is not."""
        ...

    async def stuck(self) -> Sequence[str]:
        """Why it should be started again; empty: it lives."""
        ...

    async def unready(self) -> Sequence[str]:
        """Why the sidecar should get no traffic; empty: ready."""
        ...

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """The page, and its media type, for what the Accept header asks."""
        ...

    async def status(self) -> Mapping[str, object]:
        """What is enforced, in shadow or off, and more."""
        ...

    async def decision(self, decision_id: str) -> Sequence[bytes]:
        """The audit records of one exchange, as the exact bytes of the log; none where it is not at hand."""
        ...


def admin_app(views: Views, *, private: bool) -> Starlette:
    """`private`: on a loopback address or a Unix socket, and only there, /status and /decisions exist."""
    return Starlette(routes=[*_for_everyone(views), *(_for_this_machine(views) if private else [])])


def _for_everyone(views: Views) -> list[Route]:
    async def live(_: Request) -> Response:
        reasons = list(await views.stuck())
        return _json({"status": "stuck", "reasons": reasons}, 503) if reasons else _json({"status": "live"})

    async def ready(_: Request) -> Response:
        reasons = list(await views.unready())
        return _json({"status": "unready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200)

    async def app_health(request: Request) -> Response:
        probe = views.probes.get(request.path_params["name"])
        if probe is None:
            return _json({"error": "no such probe was recorded (--probes)"}, 404)
        problem = await probe()
        return _json({"status": "well"}) if problem is None else _json({"status": "ill", "reason": problem}, 503)

    async def metrics(request: Request) -> Response:
        page, media_type = await views.metrics(request.headers.get("accept", ""))
        return Response(page, media_type=media_type)

    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/app-health/{name:path}", app_health),
        Route("/metrics", metrics),
    ]


def _for_this_machine(views: Views) -> list[Route]:
    async def status(_: Request) -> Response:
        return _json(await views.status())

    async def decision(request: Request) -> Response:
        decision_id = request.path_params["decision_id"]
        if not _DECISION_ID.fullmatch(decision_id):
            return _json({"error": "a decision id is 32 hexadecimal digits"}, 400)
        records = await views.decision(decision_id)
        if not records:
            remedy = "not among the recent decisions; try: sidecar audit show " + decision_id
            return _json({"error": remedy}, 404)
        return Response(b"[" + b",".join(records) + b"]", media_type="application/json")

    return [Route("/status", status), Route("/decisions/{decision_id}", decision)]


def _json(content: Mapping[str, object], status: int = 200) -> Response:
    return Response(
        orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        status,
        media_type="application/json",
    )
