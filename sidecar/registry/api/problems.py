"""Whatever goes wrong becomes application/problem+json (RFC 9457) here: all problems at once, each with its remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import orjson
from fastapi import Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from sidecar.registry.access.callers import Unauthorised
from sidecar.registry.values import (
    Conflict,
    Invalid,
    Missing,
    NotAllowed,
    RegistryRefused,
    Stale,
    Unexpected,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"
DETAIL_LIMIT = 500
RETRY_AFTER = {"Retry-After": "2"}

STATUSES: Mapping[type[RegistryRefused], int] = {
    Invalid: 422,
    Missing: 404,
    Conflict: 409,
    Stale: 412,
    Unexpected: 428,
    NotAllowed: 403,
}


def problem(status: int, problems: Sequence[str], headers: Mapping[str, str] | None = None) -> Response:
    """The answer. `problems`: one line each, for whoever asked."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": "; ".join(problems)[:DETAIL_LIMIT],
        "problems": list(problems),
    }
    return Response(orjson.dumps(content), status, headers, MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Makes `app` answer like this, whatever is raised in it."""
    handlers: dict[Any, Any] = {
        RegistryRefused: _refused,
        Unauthorised: _unauthorised,
        HTTPException: _http,
        RequestValidationError: _invalid,
        OperationalError: _unavailable,
        Exception: _failed,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _refused(_: Request, refused: RegistryRefused) -> Response:
    return problem(STATUSES.get(type(refused), 400), refused.problems)


async def _unauthorised(_: Request, error: Unauthorised) -> Response:
    return problem(401, [str(error)], {"WWW-Authenticate": 'Bearer realm="registry"'})


async def _http(_: Request, error: HTTPException) -> Response:
    return problem(error.status_code, [str(error.detail)], error.headers)


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    return problem(422, [_line(each) for each in cast("Sequence[Mapping[str, Any]]", error.errors())])


async def _unavailable(_: Request, _error: OperationalError) -> Response:
    """The text of a database's error may name people: it goes to the log (`guard`), not to the caller."""
    return problem(503, ["the database does not answer; try again soon"], RETRY_AFTER)


async def _failed(_: Request, _error: Exception) -> Response:
    return problem(500, ["this is a defect of the registry; its log has more"])


def _line(detail: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in detail["loc"] if part != "body")
    text = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        text = "not known"
    return f"{place}: {text}" if place else text


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "problems"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "problems": {"type": "array", "items": {"type": "string"}},
    },
}


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These refusals in the OpenAPI document of a route."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
        for status in statuses
    }
