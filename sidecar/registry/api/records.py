"""Records of every kind: the same routes for each, and one for the mode of a model's rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict

from sidecar.registry.api import schemas
from sidecar.registry.api.answers import RecordAnswer, RecordPage
from sidecar.registry.api.context import PAGE_LIMIT, Here, If, Key, Who
from sidecar.registry.api.guard import ForData, ForRules, Guarded
from sidecar.registry.api.problems import told
from sidecar.registry.values import Conflict, Json, Kind, Missing, Stale

if TYPE_CHECKING:
    from sidecar.registry.values import Record

Sent = Annotated[dict[str, Any], Body()]
After = Annotated[str, Query(max_length=256)]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]

READ_REFUSALS = told(401, 403, 404, 422)
WRITE_REFUSALS = told(400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 428)


@dataclass(frozen=True, slots=True)
class Collection:
    """Records of one kind under one path. `schema`: of a body; None where they are written in bulk alone."""

    kind: Kind
    path: str
    what: str
    guard: type[Guarded]
    schema: Json | None = None

    @property
    def name(self) -> str:
        """In identifiers of the OpenAPI document."""
        return self.path.replace("/", "-")

    @property
    def tag(self) -> str:
        """Under which the document tells it, and metrics count it."""
        return self.path.partition("/")[0]


COLLECTIONS = (
    Collection(Kind.DATASET, "datasets", "a data set", ForData, schemas.DATASET),
    Collection(Kind.MODEL, "models", "a model", ForRules, schemas.MODEL),
    Collection(Kind.GROUP_MEAN, "group-means", "a model's group means", ForData, schemas.GROUP_MEAN),
    Collection(Kind.REVOKED_TOKEN, "revocations/tokens", "a revoked token", ForData),
    Collection(Kind.REVOKED_SUBJECT, "revocations/subjects", "a person's revocation", ForData),
    Collection(Kind.OBJECTION, "objections/subjects", "a person's objection", ForData),
)


def routers() -> list[APIRouter]:
    """One for each collection, and that of modes, whose path is the more particular one."""
    return [_modes(), *map(_router, COLLECTIONS)]


def _router(collection: Collection) -> APIRouter:
    router = APIRouter(route_class=collection.guard, tags=[collection.tag])
    _add_reading(router, collection)
    if collection.schema is not None:
        _add_writing(router, collection, collection.schema)
    _add_deleting(router, collection)
    return router


def _add_reading(router: APIRouter, collection: Collection) -> None:
    kind, path, name = collection.kind, f"/v1/{collection.path}", collection.name

    @router.get(path, responses=READ_REFUSALS, operation_id=f"list-{name}", summary=f"List: {collection.what} each")
    def page(here: Here, after: After = "", limit: Limit = 100) -> RecordPage:
        return RecordPage.of(here.registry.page(kind, after=after, limit=limit), limit)

    @router.get(path + "/{key}", responses=READ_REFUSALS, operation_id=f"get-{name}", summary=f"Read {collection.what}")
    def get(here: Here, key: Key, response: Response) -> RecordAnswer:
        record = here.registry.get(kind, key)
        if record is None:
            raise Missing(f"there is no {collection.name} record of this key")
        return tagged(response, record)


def _add_writing(router: APIRouter, collection: Collection, schema: Json) -> None:
    kind = collection.kind

    @router.put(
        f"/v1/{collection.path}/{{key}}",
        responses=WRITE_REFUSALS | {201: {"description": "It is new", "model": RecordAnswer}},
        operation_id=f"put-{collection.name}",
        summary=f"Write {collection.what}",
        description="What is there already needs `If-Match` with its entity tag; `If-None-Match: *` is for new ones.",
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}},
    )
    def put(*, here: Here, who: Who, key: Key, condition: If, body: Sent, response: Response) -> RecordAnswer:
        response.status_code = 201 if here.registry.get(kind, key) is None else 200
        try:
            record = here.registry.put(
                kind, key, body, by=who.author, if_match=condition.if_match, must_be_new=condition.must_be_new
            )
        except Conflict as conflict:
            # RFC 9110, section 13.1.2: a failed `If-None-Match: *` is 412.
            raise Stale(*conflict.problems) if condition.must_be_new else conflict from None
        return tagged(response, record)


def _add_deleting(router: APIRouter, collection: Collection) -> None:
    @router.delete(
        f"/v1/{collection.path}/{{key}}",
        responses=WRITE_REFUSALS,
        status_code=204,
        operation_id=f"delete-{collection.name}",
        summary=f"Delete {collection.what}",
    )
    def delete(here: Here, who: Who, key: Key, condition: If) -> None:
        here.registry.delete(collection.kind, key, by=who.author, if_match=condition.if_match)


class Mode(BaseModel):
    """How a rule acts for a model."""

    model_config = ConfigDict(extra="forbid", strict=True)
    mode: Literal["enforce", "shadow", "off"]


def _modes() -> APIRouter:
    router = APIRouter(route_class=ForRules, tags=["models"])

    @router.put("/v1/models/{key}/rules/{rule}", responses=WRITE_REFUSALS, operation_id="put-rule")
    def put(
        *, here: Here, who: Who, key: Key, rule: Key, condition: If, body: Mode, response: Response
    ) -> RecordAnswer:
        """Take one rule of a model to another mode; the rest of the model stays. `If-Match` is optional."""
        record = here.registry.set_rule(key, rule, body.mode, by=who.author, if_match=condition.if_match)
        return tagged(response, record)

    return router


def tagged(response: Response, record: Record) -> RecordAnswer:
    """The answer, with its entity tag."""
    response.headers["ETag"] = f'"{record.version}"'
    return RecordAnswer.of(record)
