"""Who must be guarded is; nothing but the API server and the chart's policies says so."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.admission.alterations import ALTERATIONS
from tests.e2e.kubernetes.admission.pods import DOMAIN, bare, torchserve, triton
from tests.e2e.kubernetes.admission.policies_alone import POLICIES, create, creation_refused
from tests.unit.helm.charts import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.kubernetes.admission.policies_alone import Policed
    from tests.unit.helm.charts import Json


def test_every_policy_is_compiled_without_a_warning(here: Policed) -> None:
    for name in POLICIES:
        words = f"validatingadmissionpolicy/{NAME}-{name}"
        here.cluster.kubectl("wait", "--for=jsonpath={.status.observedGeneration}=1", words, "--timeout=30s")
        assert here.cluster.get(words)["status"] == {"observedGeneration": 1, "typeChecking": {}}


@pytest.mark.parametrize("make", [triton, torchserve])
def test_a_guarded_pod_is_admitted(here: Policed, make: Callable[[str], Json]) -> None:
    create(here.developer, here.guarded(make(f"guarded-{make.__name__}")), "every")


def test_a_pod_with_all_that_its_author_may_ask_for_is_admitted(here: Policed) -> None:
    asked = {"default-model": "credit-a", "upstream-timeout-s": "300"}
    pod = triton("asking", annotations={f"{DOMAIN}/{key}": value for key, value in asked.items()})
    create(here.developer, here.guarded(pod), "every")


def test_an_unguarded_pod_is_refused_with_the_remedy(here: Policed) -> None:
    told = creation_refused(here.cluster, bare(), "every")
    assert f"'{NAME}-guarded-pods'" in told
    assert "this pod must be guarded and is not: the injector's webhook guards it" in told


def test_in_a_labelled_namespace_only_labelled_pods_must_be_guarded(here: Policed) -> None:
    create(here.developer, bare("free"), "some")
    for label in ({f"{DOMAIN}/guard": "enabled"}, {f"{DOMAIN}/guarded": "true"}):
        assert "this pod must be guarded" in creation_refused(here.developer, bare("bound", labels=label), "some")


def test_elsewhere_nothing_is_asked(here: Policed) -> None:
    create(here.developer, bare("free", labels={f"{DOMAIN}/guard": "enabled"}), "models")


@pytest.mark.parametrize("what", ALTERATIONS)
def test_a_guard_that_was_altered_is_refused(here: Policed, what: str) -> None:
    alter, told = ALTERATIONS[what]
    pod = deepcopy(here.guarded(triton("altered")))
    alter(pod)
    assert told in creation_refused(here.cluster, pod, "every")


def test_the_largest_pod_is_judged_within_the_budget_of_an_expression(here: Policed) -> None:
    pod = triton("large")
    for number in range(60):
        variables = [{"name": f"V{index}", "value": "x" * 100} for index in range(120)]
        pod["spec"]["containers"].append({"name": f"c{number}", "image": "c", "env": variables})
    assert len(json.dumps(pod)) > 900_000
    create(here.developer, here.guarded(pod), "every")
