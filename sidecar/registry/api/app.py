"""The API as an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.security import HTTPBearer

import sidecar
from sidecar.registry.api import bundles, imports, people, policies, proposals, reading, records
from sidecar.registry.api.context import context
from sidecar.registry.api.meters import Counting
from sidecar.registry.api.problems import add_handlers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from sidecar.registry.api.context import Context

DESCRIPTION = """\
The policy-managed database: data sets, models, group means, revocations, objections, policies, and the signed bundles
that engines fetch. Every change has an author and a line in the history. Keys in paths are percent-encoded.
Refusals are application/problem+json, with all `problems` at once.
"""

_BEARER = HTTPBearer(scheme_name="bearer", auto_error=False)
"""For the OpenAPI document alone: `guard` has asked before FastAPI comes to this."""


def create_app(parts: Context) -> ASGIApp:
    """The whole API over its parts."""
    app = fastapi_app()
    app.state.context = parts
    return Counting(_Segments(app), parts.meters)


def fastapi_app() -> FastAPI:
    """Routes alone, as the OpenAPI document tells them."""
    app = FastAPI(
        title="model-policy-sidecar registry",
        version=sidecar.__version__,
        description=DESCRIPTION,
        docs_url=None,  # pages that would load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    add_handlers(app)
    several = [people.revocations, people.objections, proposals.router, policies.router, imports.router]
    for router in [*records.routers(), *several, reading.router, bundles.router]:
        app.include_router(router, dependencies=[Depends(_BEARER)])
    app.include_router(_health())
    return app


class _Segments:
    """ASGI: routes see a path as it was sent, so that a slash within a key (`%2F`) parts nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = scope["raw_path"].decode("ascii", "replace")
        await self._app(scope, receive, send)


def _health() -> APIRouter:
    """For everyone: nothing on record is in it."""
    router = APIRouter(tags=["health"], include_in_schema=False)

    @router.get("/health/live")
    async def live() -> Response:
        return _json({"status": "live"})

    @router.get("/health/ready")
    async def ready(request: Request) -> Response:
        bundling = context(request).bundling
        status = "ready" if bundling.is_ready else "unready"
        return _json({"status": status, "problems": bundling.problems}, 200 if bundling.is_ready else 503)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        page, media_type = context(request).meters.page(request.headers.get("accept", ""))
        return Response(page, headers={"Content-Type": media_type})

    return router


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
