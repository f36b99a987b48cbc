"""Proposals for a model's group means: made, listed, activated by rule or by a person, rejected."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from sidecar.registry.api.answers import ProposalAnswer, Proposals
from sidecar.registry.api.context import Here, Key, Who  # noqa: TC001 - FastAPI reads annotations at run time
from sidecar.registry.api.guard import ForData
from sidecar.registry.api.records import READ_REFUSALS, WRITE_REFUSALS, Limit, Sent
from sidecar.registry.values import Missing, Proposal

router = APIRouter(route_class=ForData, tags=["proposals"])
PATH = "/v1/group-means/{key}/proposals"
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_SCHEMA = {
    "type": "object",
    "required": ["means", "evidence"],
    "additionalProperties": False,
    "properties": {
        "means": {"type": "object", "additionalProperties": {"type": "number"}},
        "evidence": {"type": "object", "required": ["groups"], "properties": {"groups": {"type": "object"}}},
    },
}


class Rejection(BaseModel):
    """Why a proposal is off the table."""

    model_config = ConfigDict(extra="forbid", strict=True)
    why: str = Field(min_length=1, max_length=4096)


@router.get(PATH, responses=READ_REFUSALS, operation_id="list-proposals")
def of_model(here: Here, key: Key, limit: Limit = 100) -> Proposals:
    """A model's, the newest first."""
    return Proposals(items=[ProposalAnswer.of(each) for each in here.registry.proposals(key, limit)])


@router.post(
    PATH,
    responses=WRITE_REFUSALS,
    status_code=201,
    operation_id="propose",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": _SCHEMA}}, "required": True}},
)
def propose(here: Here, who: Who, key: Key, body: Sent) -> ProposalAnswer:
    """Propose group means with their evidence. Active at once where the model's `means` covers them."""
    return ProposalAnswer.of(here.registry.propose(key, body, by=who.author))


@router.post(PATH + "/{number}/activate", responses=WRITE_REFUSALS, operation_id="activate-proposal")
def activate(here: Here, who: Who, key: Key, number: Number) -> ProposalAnswer:
    """A person's word for an open proposal, another person's than the one who made it."""
    _find(here, key, number)
    return ProposalAnswer.of(here.registry.activate(number, by=who.author))


@router.post(PATH + "/{number}/reject", responses=WRITE_REFUSALS, operation_id="reject-proposal")
def reject(here: Here, who: Who, key: Key, number: Number, body: Rejection) -> ProposalAnswer:
    """Take an open proposal off the table."""
    _find(here, key, number)
    return ProposalAnswer.of(here.registry.reject(number, by=who.author, why=body.why))


def _find(here: Here, model: str, number: int) -> Proposal:
    """Raises `Missing` for a proposal of another model: its path would say what is not so."""
    found = next((each for each in here.registry.proposals(model) if each.id == number), None)
    if found is None:
        raise Missing(f"{model} has no proposal {number}")
    return found
