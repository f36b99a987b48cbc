"""OPA, and regorus through each of its bindings, give the same whole answer to each decision vector."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar.authoring.asking import Asked, Embedded, ask_all, opa_daemon
from sidecar.policy.compose import compose, load_modules
from tests.bindings import BINDINGS, only
from tests.conformance import vectors
from tests.policies import REGO, opa_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = compose(load_modules(REGO)).policies


@pytest.fixture(scope="module", params=["opa", *BINDINGS])
def engine(request: pytest.FixtureRequest) -> Iterator[Asked]:
    if request.param in BINDINGS:
        with only(request.param):
            yield Embedded()
    else:
        with opa_daemon(opa_binary()) as daemon:
            yield daemon


@pytest.mark.parametrize("stem", vectors.FILES)
def test_each_holds(engine: Asked, stem: str) -> None:
    asked = vectors.read(stem)
    assert asked
    assert [finding.as_text() for finding in ask_all(engine, MODULES, asked)] == []


def test_none_is_lost() -> None:
    assert sum(len(vectors.read(stem)) for stem in vectors.FILES) > 300


def test_one_that_does_not_hold_would_be_told(engine: Asked) -> None:
    vector = replace(vectors.read("staleness")[0], expected={})
    [finding] = ask_all(engine, MODULES, [vector])
    assert (finding.check, finding.row, vector.name in finding.message) == ("vectors", vector.row, True)
