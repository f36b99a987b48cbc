"""Both ports as ASGI applications: webhooks for the API server, health and metrics for kubelet and Prometheus."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sidecar.injector.serving.meters import Result
from sidecar.injector.serving.review import ReviewInvalid, mutate, parse, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.serving.meters import Meters
    from sidecar.injector.serving.review import Review, Verdict

    Judge = Callable[[Review, InjectorConfig, str | None], Verdict]
    """Of a pod, by the configuration and the registry's authority."""

BODY_LIMIT_BYTES = 4 << 20
"""An object is at most 3 MiB in the API server's eyes; it has a review's frame around it here."""
BODY_TIMEOUT_S = 5.0
AT_WORK_LIMIT = 16
"""Reviews whose bodies are in memory; others wait, as long as the API server does."""

logger = logging.getLogger("sidecar.injector")


@dataclass(frozen=True, slots=True)
class Views:
    """What the ports show, as callables, each read anew for each request.

    `unready`: why the API server should ask another replica (empty: ready); `problems`: what else stands in the way.
    """

    config: Callable[[], InjectorConfig]
    registry_ca: Callable[[], str | None]
    unready: Callable[[], Sequence[str]]
    problems: Callable[[], Sequence[str]]


def webhook_app(views: Views, meters: Meters) -> Starlette:
    """`POST /mutate`, `POST /verify`."""
    at_work = asyncio.Semaphore(AT_WORK_LIMIT)

    def webhook(name: str, judge: Judge) -> Route:
        async def review(request: Request) -> Response:
            started_s = time.perf_counter()
            result = Result.FAILED
            try:
                async with at_work:
                    body = await _body(request)
                    asked, verdict = await asyncio.to_thread(_judged, judge, body, views.config(), views.registry_ca())
                result = _result(verdict)
                if verdict.problems:
                    logger.info("/%s: %r in %r is refused: %s", name, asked.name, asked.namespace, verdict.problems)
                return Response(verdict.answer(asked.uid), media_type="application/json")
            except ReviewInvalid as invalid:
                result = Result.BAD
                logger.warning("/%s: a bad review: %s", name, invalid)
                return PlainTextResponse(f"{invalid}\n", 400)
            finally:
                meters.reviews.labels(name, result.value).inc()
                meters.seconds.labels(name).observe(time.perf_counter() - started_s)

        return Route(f"/{name}", review, methods=["POST"])

    return Starlette(routes=[webhook("mutate", mutate), webhook("verify", verify)])


def admin_app(views: Views, meters: Meters) -> Starlette:
    """`/health/live`, `/health/ready`, `/metrics`."""

    async def live(_: Request) -> Response:
        return _json({"status": "live"})

    async def ready(_: Request) -> Response:
        unready = list(views.unready())
        content = {"status": "unready" if unready else "ready", "problems": [*unready, *views.problems()]}
        return _json(content, 503 if unready else 200)

    async def metrics(request: Request) -> Response:
        page, media_type = meters.page(request.headers.get("accept", ""))
        return Response(page, headers={"Content-Type": media_type})

    return Starlette(routes=[Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", metrics)])


async def _body(request: Request) -> bytes:
    """Raises `ReviewInvalid` where it is too large, or does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_LIMIT_BYTES:
                    raise ReviewInvalid(f"the review is larger than {BODY_LIMIT_BYTES} bytes")
    except (TimeoutError, ClientDisconnect):
        raise ReviewInvalid(f"the review did not come within {BODY_TIMEOUT_S:g} s") from None
    return bytes(body)


def _judged(judge: Judge, body: bytes, config: InjectorConfig, registry_ca: str | None) -> tuple[Review, Verdict]:
    review = parse(body)
    return review, judge(review, config, registry_ca)


def _result(verdict: Verdict) -> Result:
    if verdict.problems:
        return Result.REFUSED
    return Result.PATCHED if verdict.patch else Result.ALLOWED


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
