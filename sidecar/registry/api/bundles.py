"""Bundles, as OPA asks for them: entity tags, and long polling by `Prefer: wait=N`.

Source: OPA's documentation, "Bundles" and "HTTP long polling": a server that can do it says so by the media type of
its answers, of a 304 as well.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from fastapi import APIRouter, Request, Response

from sidecar.registry.api.context import Here  # noqa: TC001 - FastAPI reads annotations at run time
from sidecar.registry.api.guard import ForEngines
from sidecar.registry.api.problems import RETRY_AFTER, problem, told
from sidecar.registry.values import Missing

LONG_POLLING = "application/vnd.openpolicyagent.bundles"
_WAIT = re.compile(r"(?:^|[;,\s])wait=(\d{1,6})(?=$|[;,\s])")

router = APIRouter(route_class=ForEngines, tags=["bundles"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ANSWERS = told(401, 403, 404, 422, 503) | {
    200: {"description": "The bundle", "content": {LONG_POLLING: _BINARY}},
    304: {"description": "It is still the one that If-None-Match names"},
}


@router.head("/v1/bundles/{name}.tar.gz", include_in_schema=False)
@router.get("/v1/bundles/{name}.tar.gz", responses=_ANSWERS, response_class=Response, operation_id="get-bundle")
async def get(here: Here, request: Request, name: str) -> Response:
    """A signed bundle: policy, data, revocations, revocations-earlier. With `Prefer: wait=N` a 304 comes after N
    seconds, and a new bundle as soon as it is there."""
    if here.shelf.get(name) is None:
        raise Missing(_missing(name))
    known = request.headers.get("if-none-match", "")
    wait_s = _wait_s(request.headers.get("prefer", ""))
    if wait_s and not await _wait(here, request, name, known, wait_s):
        # Any answer but an error, and OPA would ask again at once.
        return problem(503, ["too many engines wait here already: raise --waiters"], RETRY_AFTER)
    served = here.shelf.get(name)
    assert served is not None  # noqa: S101 - what is served once is served ever after
    headers = {"ETag": served.etag, "Cache-Control": "no-cache", "Content-Type": LONG_POLLING}
    if served.etag in _tags(known):
        return Response(status_code=304, headers=headers)
    return Response(served.archive, headers=headers)


async def _wait(here: Here, request: Request, name: str, known: str, wait_s: float) -> bool:
    """Whether there was room to wait. Ends when the client goes away, too: its place is free again."""
    waiting = asyncio.ensure_future(here.shelf.wait(name, known.strip(), wait_s))
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else True
    finally:
        for task in (waiting, gone):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _wait_s(prefer: str) -> float:
    """RFC 7240, section 4.3; OPA sends `modes=snapshot,delta;wait=N`."""
    match = _WAIT.search(prefer)
    return float(match[1]) if match else 0.0


def _tags(if_none_match: str) -> set[str]:
    """RFC 9110, section 13.1.2: compared weakly."""
    return {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}


def _missing(name: str) -> str:
    if name == "policy":
        return "no policy has been published yet: `sidecar policy publish` does it"
    return "there is no such bundle: policy, data, revocations and revocations-earlier are what there is"
