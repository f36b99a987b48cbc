"""The admin port as an ASGI application: health and metrics for everyone, the rest for this machine only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

_DECISION_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Views:
    """What the port shows, as callables: the admin room knows none of the parts behind them.

    `unready` lists why the sidecar should get no traffic (empty: ready); `metrics` gives the page and its media type
    for what the Accept header asks; `decision` gives the audit records
    of one exchange, as the exact bytes of the log.
    """

    unready: Callable[[], Sequence[str]]
    metrics: Callable[[str], tuple[bytes, str]]
    status: Callable[[], Mapping[str, object]]
    decision: Callable[[str], Sequence[bytes]]


def admin_app(views: Views, *, private: bool) -> Starlette:
    """`private`: on a loopback address or a Unix socket, and only there, /status and /decisions exist."""

    async def live(_: Request) -> Response:
        return _json({"status": "live"})

    async def ready(_: Request) -> Response:
        reasons = list(views.unready())
        return _json({"status": "unready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200)

    async def metrics(request: Request) -> Response:
        page, media_type = views.metrics(request.headers.get("accept", ""))
        return Response(page, media_type=media_type)

    async def status(_: Request) -> Response:
        return _json(views.status())

    async def decision(request: Request) -> Response:
        decision_id = request.path_params["decision_id"]
        if not _DECISION_ID.fullmatch(decision_id):
            return _json({"error": "a decision id is 32 hexadecimal digits"}, 400)
        records = views.decision(decision_id)
        if not records:
            remedy = "not among the recent decisions; try: sidecar audit show " + decision_id
            return _json({"error": remedy}, 404)
        return Response(b"[" + b",".join(records) + b"]", media_type="application/json")

    routes = [Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", metrics)]
    if private:
        routes += [Route("/status", status), Route("/decisions/{decision_id}", decision)]
    return Starlette(routes=routes)


def _json(content: Mapping[str, object], status: int = 200) -> Response:
    return Response(
        orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        status,
        media_type="application/json",
    )
