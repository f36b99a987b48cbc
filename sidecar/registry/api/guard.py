"""Every route's gate, in this order: who asks, may they, is it JSON, is it small enough, is it strict. Only then the
route's own work; and after a change the bundles are made anew.

FastAPI by itself reads a body before it asks who sent it; hence a route class of our own.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from starlette.requests import ClientDisconnect

from sidecar.consent.strict_json import parse_object
from sidecar.registry.access.callers import Right
from sidecar.registry.api.context import Context, context

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response
    from starlette.types import Receive, Scope

BODY_LIMIT_BYTES = 1 << 20
BULK_LIMIT_BYTES = 16 << 20
ARCHIVE_LIMIT_BYTES = 64 << 20
BODY_TIMEOUT_S = 60.0
"""For all of a body: a caller that trickles holds no memory for longer."""
SMALL_BYTES = 1 << 16
"""What is larger is parsed in a thread, so that the loop goes on serving."""

_SAFE = frozenset({"GET", "HEAD"})
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_log = logging.getLogger("sidecar.registry")


class Guarded(APIRoute):
    """What each route class says of its routes; see the module."""

    read_rights: ClassVar[frozenset[Right]] = frozenset({Right.READ})
    write_rights: ClassVar[frozenset[Right]] = frozenset()
    limit_bytes: ClassVar[int] = BODY_LIMIT_BYTES
    takes_json: ClassVar[bool] = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI: the way from a request to its answer."""
        work = super().get_route_handler()
        rights = self.read_rights if _SAFE.issuperset(self.methods or ()) else self.write_rights

        async def handle(request: Request) -> Response:
            here = context(request)
            authorizations = request.headers.getlist("authorization")
            request.state.caller = await here.access.admit(authorizations, rights)
            taken = await self._taken(request) if request.method not in _SAFE else request
            try:
                response = await work(taken)
            except OperationalError:
                _log.exception("%s %s: the database failed", request.method, self.path)
                raise
            if request.method not in _SAFE and response.status_code < 400:
                self._changed(here)
            return response

        return handle

    async def _taken(self, request: Request) -> Request:
        """The request with its body in hand."""
        is_json = self.takes_json and self.body_field is not None
        if is_json and not _is_json(request.headers.get("content-type", "")):
            raise HTTPException(415, "send the body as Content-Type: application/json")
        content = await _read(request, self.limit_bytes)
        return _Taken(request.scope, request.receive, content, await _parsed(content) if is_json else None)

    def _changed(self, here: Context) -> None:
        here.bundling.wake()
        here.meters.changes.labels(kind=str(self.tags[0])).inc()


class ForReaders(Guarded):
    """Routes that change nothing."""


class ForEngines(Guarded):
    """Bundles."""

    read_rights = frozenset({Right.BUNDLES})


class ForData(Guarded):
    """What stewards change."""

    write_rights = frozenset({Right.DATA})


class ForDataInBulk(ForData):
    """The same, much at once."""

    limit_bytes = BULK_LIMIT_BYTES


class ForRules(Guarded):
    """What engineers change."""

    write_rights = frozenset({Right.RULES})


class ForPolicies(ForRules):
    """Archives."""

    limit_bytes = ARCHIVE_LIMIT_BYTES
    takes_json = False


class ForImports(Guarded):
    """Records of several kinds: the route itself asks for the right to each."""

    write_rights = frozenset({Right.DATA, Right.RULES})
    limit_bytes = BULK_LIMIT_BYTES


class _Taken(Request):
    """A request whose body was read here, within its bounds."""

    def __init__(self, scope: Scope, receive: Receive, content: bytes, document: object) -> None:
        super().__init__(scope, receive)
        self._content = content
        self._document = document

    async def body(self) -> bytes:
        return self._content

    async def json(self) -> Any:
        return self._document


async def _read(request: Request, limit_bytes: int) -> bytes:
    """The whole body; what is announced or comes beyond the limit is refused before it is held."""
    announced = request.headers.get("content-length", "")
    body = bytearray()
    if not (announced.isdecimal() and int(announced) > limit_bytes):
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > limit_bytes:
                        break
                else:
                    return bytes(body)
        except TimeoutError:
            raise HTTPException(408, f"the body took longer than {BODY_TIMEOUT_S:.0f} s") from None
        except ClientDisconnect:
            raise HTTPException(400, "the body ended too soon") from None
    raise HTTPException(413, f"the body is over {limit_bytes} bytes: send less at once")


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


async def _parsed(content: bytes) -> object:
    return _strict(content) if len(content) <= SMALL_BYTES else await asyncio.to_thread(_strict, content)


def _strict(content: bytes) -> object:
    """RFC 8259, no name twice, and no U+0000, which PostgreSQL cannot hold."""
    try:
        parse_object(content)
        document: object = orjson.loads(content)
    except ValueError as error:
        raise HTTPException(400, f"the body is not acceptable: {error}") from None
    if _NUL.search(content):
        raise HTTPException(400, "the body is not acceptable: it holds the character U+0000")
    return document
