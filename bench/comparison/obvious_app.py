"""A guard as one would first write it: Starlette, httpx, PyJWT and OPA's REST API. Run by uvicorn; see obvious.py."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2 as httpx
import jwt
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench import workload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

UPSTREAM, OPA = os.environ["BENCH_UPSTREAM"], os.environ["BENCH_OPA"]
KEY = jwt.PyJWK(json.loads(os.environ["BENCH_KEYS"])["keys"][0])


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[None]:
    limits = httpx.Limits(max_connections=256, max_keepalive_connections=256)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        app.state.client = client
        yield


async def infer(request: Request) -> Response:
    body = await request.body()
    try:
        claims = jwt.decode(
            request.headers["x-consent-token"], KEY, ["RS256"], audience=workload.AUDIENCE, issuer=workload.ISSUER
        )
        question = _question(request, claims, json.loads(body))
    except (KeyError, ValueError, jwt.PyJWTError) as error:
        return JSONResponse({"error": str(error)}, 400)
    client: httpx.AsyncClient = request.app.state.client
    decision = await client.post(f"{OPA}/v1/data/envoy/authz/allow", json={"input": question})
    if decision.json().get("result") is not True:
        return JSONResponse({"error": "refused"}, 403)
    answer = await client.post(UPSTREAM + request.url.path, content=body, headers={"content-type": "application/json"})
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


def _question(request: Request, claims: dict[str, object], body: object) -> dict[str, object]:
    """As Envoy and its plugin put it."""
    verified = {"envoy.filters.http.jwt_authn": {"consent": claims}}
    return {
        "attributes": {
            "request": {"http": {"method": request.method, "headers": dict(request.headers)}},
            "metadataContext": {"filterMetadata": verified},
        },
        "parsed_path": request.url.path.strip("/").split("/"),
        "parsed_body": body,
    }


app = Starlette(routes=[Route("/v2/models/{model}/infer", infer, methods=["POST"])], lifespan=lifespan)
