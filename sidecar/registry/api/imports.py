"""Records of several kinds at once: all of them or none."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict

from sidecar.registry.access.callers import Right
from sidecar.registry.api.answers import Counts
from sidecar.registry.api.context import Here, Who  # noqa: TC001 - FastAPI reads annotations at run time
from sidecar.registry.api.guard import ForImports
from sidecar.registry.api.records import WRITE_REFUSALS
from sidecar.registry.values import Json, Kind

router = APIRouter(route_class=ForImports, tags=["imports"])
Bodies = dict[str, dict[str, Any]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Revocations(_Strict):
    """By pseudonym."""

    tokens: Bodies = {}
    subjects: Bodies = {}


class Objections(_Strict):
    """By pseudonym."""

    subjects: Bodies = {}


class Import(_Strict):
    """The data document's form, with the body of each record as its own route takes it."""

    datasets: Bodies = {}
    models: Bodies = {}
    group_mean: Bodies = {}
    revocations: Revocations = Revocations()
    objections: Objections = Objections()

    def items(self) -> dict[Kind, list[tuple[str, Json]]]:
        """As the registry loads them."""
        given = {
            Kind.DATASET: self.datasets,
            Kind.MODEL: self.models,
            Kind.GROUP_MEAN: self.group_mean,
            Kind.REVOKED_TOKEN: self.revocations.tokens,
            Kind.REVOKED_SUBJECT: self.revocations.subjects,
            Kind.OBJECTION: self.objections.subjects,
        }
        return {kind: list(bodies.items()) for kind, bodies in given.items() if bodies}


@router.post("/v1/import", responses=WRITE_REFUSALS, operation_id="import")
def load(here: Here, who: Who, body: Annotated[Import, Body()]) -> Counts:
    """Write records of several kinds, new or not, whatever their version: all of them or none."""
    items = body.items()
    for kind in items:
        who.require(Right.RULES if kind is Kind.MODEL else Right.DATA)
    return Counts(changed={str(kind): count for kind, count in here.registry.load(items, by=who.author).items()})
