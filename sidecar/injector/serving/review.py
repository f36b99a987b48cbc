"""An AdmissionReview in, its answer out. Pure. Source: Kubernetes' documentation, "Dynamic Admission Control".

`mutate` puts the guard into a pod; `verify` lets only a pod pass that the guard would leave as it is, whatever other
webhooks did to it in between.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.injector.guard import guard
from sidecar.injector.serving.patch import differences, operations
from sidecar.injector.values import PodRefused

if TYPE_CHECKING:
    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.values import Json

API_VERSION = "admission.k8s.io/v1"
UID_LIMIT = 128
NAME_LIMIT = 253
DIFFERENCES_LIMIT = 5
"""Places that a refusal names; a rule of thumb is enough to find the one who changed the pod."""


class ReviewInvalid(Exception):
    """No review that we can answer: who sends it, or the webhook's configuration, is not as it must be."""


@dataclass(frozen=True, slots=True)
class Review:
    """A pod that is about to be created."""

    uid: str
    namespace: str
    pod: Json

    @property
    def name(self) -> str:
        """For people: its controller's part of it, where the API server is to complete it."""
        metadata = _members(self.pod.get("metadata"))
        return str(metadata.get("name") or metadata.get("generateName") or "")[:NAME_LIMIT]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer before it is one. `patch` is empty where the pod stays as it is; `problems`, where it is allowed."""

    patch: tuple[Json, ...] = ()
    problems: tuple[str, ...] = ()

    def answer(self, uid: str) -> bytes:
        """The AdmissionReview that answers the one with this `uid`."""
        response: dict[str, Any] = {"uid": uid, "allowed": not self.problems}
        if self.problems:
            response["status"] = {"code": 403, "reason": "Forbidden", "message": "; ".join(self.problems)}
        elif self.patch:
            patch = base64.b64encode(orjson.dumps(list(self.patch))).decode()
            response |= {"patchType": "JSONPatch", "patch": patch}
        return orjson.dumps({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response})


def parse(body: bytes) -> Review:
    """Raises `ReviewInvalid`."""
    try:
        review: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ReviewInvalid(f"the body is not JSON: {error}") from None
    members = _members(review)
    if (members.get("apiVersion"), members.get("kind")) != (API_VERSION, "AdmissionReview"):
        raise ReviewInvalid(
            f"{members.get('apiVersion')!s:.80} {members.get('kind')!s:.80} is no {API_VERSION} AdmissionReview: "
            "admissionReviewVersions of the webhook must be [v1]"
        )
    request = _members(members.get("request"))
    uid, namespace = request.get("uid"), request.get("namespace")
    if not isinstance(uid, str) or not 0 < len(uid) <= UID_LIMIT:
        raise ReviewInvalid(f"request.uid must be a string of 1 to {UID_LIMIT} characters")
    if not isinstance(namespace, str) or not namespace:
        raise ReviewInvalid("request.namespace is not there: scope of the webhook must be Namespaced")
    return Review(uid, namespace, _pod(request))


def mutate(review: Review, config: InjectorConfig, registry_ca: str | None) -> Verdict:
    """The guard as a patch, or all that stands against it."""
    try:
        guarded = guard(review.pod, config, namespace=review.namespace, registry_ca=registry_ca)
    except PodRefused as refused:
        return Verdict(problems=tuple(refused.problems))
    return Verdict(patch=tuple(operations(review.pod, guarded.pod)))


def verify(review: Review, config: InjectorConfig, registry_ca: str | None) -> Verdict:
    """Whether the pod is guarded well: the guard would change nothing."""
    try:
        guarded = guard(review.pod, config, namespace=review.namespace, registry_ca=registry_ca)
    except PodRefused as refused:
        return Verdict(problems=tuple(refused.problems))
    return Verdict(problems=_unguarded(review.pod, guarded.pod))


def _pod(request: Json) -> Json:
    """Only pods, only as they are created: what of a pod may change later is not ours, and another policy's to hold."""
    if request.get("kind") != {"group": "", "version": "v1", "kind": "Pod"} or request.get("subResource"):
        raise ReviewInvalid("this reviews pods of v1 alone: resources of the webhook's rules must be [pods]")
    if request.get("operation") != "CREATE":
        raise ReviewInvalid("this reviews pods as they are created: operations of the webhook's rules must be [CREATE]")
    pod = _members(request.get("object"))
    if not isinstance(pod.get("spec"), dict) or not isinstance(pod.get("metadata"), dict):
        raise ReviewInvalid("request.object is no pod: metadata or spec is not there")
    return pod


def _unguarded(pod: Json, guarded: Json) -> tuple[str, ...]:
    found = differences(pod, guarded)
    first = list(islice(found, DIFFERENCES_LIMIT))
    if not first:
        return ()
    more = sum(1 for _ in found)
    places = ", ".join(first) + (f" and {more} more" if more else "")
    problem = f"the pod is not guarded, or its guard was changed, at {places}: let no other webhook change these places"
    return (f"{problem}; if the injector's settings or authority changed a moment ago, create the pod again",)


def _members(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}
