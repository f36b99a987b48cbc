"""Publishing policies: signed bundles of rules, judged before they are stored."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from sidecar.policy.problems import PolicyProblems
from sidecar.registry.api.answers import Policies, PublishedAnswer
from sidecar.registry.api.context import Here, Who  # noqa: TC001 - FastAPI reads annotations at run time
from sidecar.registry.api.guard import ForPolicies
from sidecar.registry.api.problems import told
from sidecar.registry.api.records import READ_REFUSALS, Limit
from sidecar.registry.values import Invalid, NotAllowed

router = APIRouter(route_class=ForPolicies, tags=["policies"])
_ARCHIVE = {"schema": {"type": "string", "format": "binary"}}


async def _content(request: Request) -> bytes:
    return await request.body()


@router.post(
    "/v1/policies",
    responses=told(400, 401, 403, 408, 409, 413, 422),
    status_code=201,
    operation_id="publish-policy",
    openapi_extra={"requestBody": {"content": {"application/gzip": _ARCHIVE}, "required": True}},
)
def publish(here: Here, who: Who, archive: Annotated[bytes, Depends(_content)]) -> PublishedAnswer:
    """Publish a bundle that `sidecar policy build` made and signed; every engine gets it from now on."""
    if here.examiner is None:
        raise NotAllowed(
            "this registry takes no policies: start it with --policy-key, the public key of who signs them"
        )
    try:
        manifest = here.examiner.examine(archive).manifest
    except PolicyProblems as found:
        raise Invalid(*found.problems) from None
    return PublishedAnswer.of(here.registry.publish(archive, manifest, by=who.author))


@router.get("/v1/policies", responses=READ_REFUSALS, operation_id="list-policies")
def newest(here: Here, limit: Limit = 100) -> Policies:
    """What was published, the newest first."""
    return Policies(items=[PublishedAnswer.of(each) for each in here.registry.policies(limit)])
