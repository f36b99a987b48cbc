"""The whole of it: the data document, now or as of then, and the history of changes."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from sidecar.registry.api.answers import History
from sidecar.registry.api.context import Here  # noqa: TC001 - FastAPI reads annotations at run time
from sidecar.registry.api.guard import ForReaders
from sidecar.registry.api.records import READ_REFUSALS, Limit

router = APIRouter(route_class=ForReaders, tags=["reading"])
_DOCUMENT = {200: {"content": {"application/json": {"schema": {"type": "object"}}}, "description": "The document"}}
At = Annotated[float | None, Query(ge=0, le=1e11, allow_inf_nan=False, description="Unix time in seconds; now without")]
Filter = Annotated[str | None, Query(max_length=256)]


@router.get("/v1/data", responses=READ_REFUSALS | _DOCUMENT, response_class=Response, operation_id="export")
def export(here: Here, at: At = None) -> Response:
    """The data document (`sidecar run --data`), all revocations in it, now or as it was then."""
    return Response(orjson.dumps(here.registry.export(at)), media_type="application/json")


@router.get("/v1/history", responses=READ_REFUSALS, operation_id="history")
def history(
    here: Here,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Limit = 100,
    kind: Filter = None,
    key: Filter = None,
) -> History:
    """Every change: who, when, from what to what."""
    return History.of(here.registry.history(after=after, limit=limit, kind=kind, key=key), limit)
