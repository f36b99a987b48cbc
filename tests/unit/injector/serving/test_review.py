"""Reviews and their answers, over the real guard."""

from __future__ import annotations

import base64
import copy
from typing import Any

import orjson
import pytest

from sidecar.injector.config import InjectorConfig
from sidecar.injector.guard import guard
from sidecar.injector.serving.review import Review, ReviewInvalid, Verdict, mutate, parse, verify
from sidecar.injector.values import PodRefused
from tests.unit.injector.serving.parts import CONFIG, POD, TWO_PROBLEMS, encoded, patched, review

CA = "-----BEGIN CERTIFICATE-----\n"
SETTINGS = InjectorConfig.parse(CONFIG)


def asked(pod: dict[str, Any]) -> Review:
    return parse(encoded(review(pod)))


def guarded(pod: dict[str, Any]) -> dict[str, Any]:
    return guard(pod, SETTINGS, namespace="models", registry_ca=CA).pod


def test_a_review_is_a_pod_that_is_about_to_be_created() -> None:
    found = parse(encoded(review()))
    assert (found, found.name) == (Review("705ab4f5", "models", POD), "credit-7d-")


def test_mutate_answers_with_a_patch_that_guards_the_pod() -> None:
    verdict = mutate(asked(POD), SETTINGS, CA)
    answer = orjson.loads(verdict.answer("705ab4f5"))
    response = answer["response"]
    assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert (response["uid"], response["allowed"], response["patchType"]) == ("705ab4f5", True, "JSONPatch")
    assert patched(POD, orjson.loads(base64.b64decode(response["patch"]))) == guarded(POD)


def test_a_second_call_changes_nothing() -> None:
    verdict = mutate(asked(guarded(POD)), SETTINGS, CA)
    assert verdict == Verdict()
    assert orjson.loads(verdict.answer("x"))["response"] == {"uid": "x", "allowed": True}


def test_a_pod_that_cannot_be_guarded_is_refused_with_every_problem() -> None:
    with pytest.raises(PodRefused) as refused:
        guarded(TWO_PROBLEMS)
    assert len(refused.value.problems) >= 2
    for webhook in (mutate, verify):
        response = orjson.loads(webhook(asked(TWO_PROBLEMS), SETTINGS, CA).answer("x"))["response"]
        assert (response["allowed"], response["status"]["code"]) == (False, 403)
        assert [problem for problem in refused.value.problems if problem not in response["status"]["message"]] == []


def test_verify_lets_a_guarded_pod_pass() -> None:
    assert verify(asked(guarded(POD)), SETTINGS, CA) == Verdict()


def test_verify_refuses_a_pod_without_the_guard() -> None:
    [problem] = verify(asked(POD), SETTINGS, CA).problems
    assert "the pod is not guarded, or its guard was changed, at /metadata/annotations" in problem
    assert "more: let no other webhook change these places" in problem


@pytest.mark.parametrize("name", ["policy-opa", "policy-sidecar"])
def test_verify_names_the_place_that_was_changed(name: str) -> None:
    pod = copy.deepcopy(guarded(POD))
    index = next(i for i, each in enumerate(pod["spec"]["initContainers"]) if each["name"] == name)
    pod["spec"]["initContainers"][index]["args"][1] = "--changed"
    [problem] = verify(asked(pod), SETTINGS, CA).problems
    assert f" at /spec/initContainers/{index}/args/1: " in problem


BAD: list[tuple[Any, str]] = [
    (b"{", "not JSON"),
    (b"\xff", "not JSON"),
    ([], "is no admission.k8s.io/v1 AdmissionReview"),
    ({**review(), "apiVersion": "admission.k8s.io/v1beta1"}, "v1beta1 AdmissionReview is no admission.k8s.io/v1"),
    ({**review(), "kind": "Pod"}, "is no admission"),
    ({**review(), "request": None}, "request.uid"),
    (review(uid=7), "request.uid"),
    (review(uid="x" * 129), "request.uid"),
    (review(namespace=""), "scope of the webhook must be Namespaced"),
    (review(kind={"group": "apps", "version": "v1", "kind": "Deployment"}), r"must be \[pods\]"),
    (review(kind={"group": "", "version": "v2", "kind": "Pod"}), r"must be \[pods\]"),
    (review(subResource="ephemeralcontainers"), r"must be \[pods\]"),
    (review(operation="UPDATE"), r"must be \[CREATE\]"),
    (review(object=None), "request.object is no pod"),
    (review(object={"metadata": {}}), "request.object is no pod"),
    (review(object={"metadata": [], "spec": {}}), "request.object is no pod"),
]


@pytest.mark.parametrize(("content", "problem"), BAD)
def test_what_is_no_review_of_ours_is_refused_with_the_remedy(content: Any, problem: str) -> None:
    body = content if isinstance(content, bytes) else encoded(content)
    with pytest.raises(ReviewInvalid, match=problem):
        parse(body)


def test_json_that_is_too_deep_is_refused() -> None:
    with pytest.raises(ReviewInvalid, match="not JSON"):
        parse(b"[" * 100_000)
