from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.bundle import build
from sidecar.policy.embedded import look_at, uncompilable
from sidecar.policy.shipped_modules import are_shipped, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

REGO = Path(__file__).parents[3] / "rego"
NAME = "guards/consent/request/consent.rego"


@lru_cache
def shipped() -> Mapping[str, str]:
    return MappingProxyType(build(REGO, None).modules)


def test_the_shipped_modules_are_known_and_were_good_when_they_were_looked_at() -> None:
    assert are_shipped(shipped())
    assert look_at(shipped()) == ()


@pytest.mark.parametrize(
    "modules",
    [
        {},
        {name: text for name, text in shipped().items() if name != NAME},
        {**shipped(), NAME: shipped()[NAME] + "\n"},
        {**shipped(), "more.rego": "package more\n"},
        {**{name: text for name, text in shipped().items() if name != NAME}, "moved.rego": shipped()[NAME]},
    ],
    ids=["none", "one less", "one changed", "one more", "one moved"],
)
def test_others_are_not(modules: dict[str, str]) -> None:
    assert not are_shipped(modules)


def test_a_text_that_runs_into_the_next_path_is_another() -> None:
    assert digest_of({"a": "b", "c": "d"}) != digest_of({"a": "bc", "": "d"})
    assert digest_of({"ab": ""}) != digest_of({"a": "b"})


def test_what_is_added_to_the_shipped_modules_is_looked_at() -> None:
    recursive = {**shipped(), "more.rego": "package more\n\np if q\n\nq if p\n"}
    assert any("more" in problem for problem in uncompilable(recursive))
