"""Closed by default, through a whole activation: some of what led to an allow in a trial, and now refuses.

The vectors ask every such case; these show that the way from files to a decision keeps it so.
"""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sidecar.policy.bundle import build
from sidecar.policy.generation import activate
from tests.conformance.engines import KINDS, engine, outcome
from tests.policies import DATA, REGO, question
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MALFORMED = ["failed", "policy_malformed"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shutil.copytree(REGO, tmp_path / "rego")


def data(change: Callable[[Any], None] = lambda _: None) -> bytes:
    document = copy.deepcopy(DATA)
    change(document)
    return orjson.dumps(document)


async def judged(kind: str, root: Path, data_json: bytes, **changes: object) -> list[str]:
    """The outcome after a real activation: what can't even be activated fails the test.

    The data is past our own checks, as it would be in an OPA that somebody else fills.
    """
    async with engine(kind, replace(build(root, None), data_json=data_json)) as made:
        await activate(made, FixedClock())
        return await outcome(made, question(**changes).json)


async def test_the_ground_it_stands_on_is_an_allow(kind: str, root: Path) -> None:
    assert await judged(kind, root, data()) == ["allow"]


@pytest.mark.parametrize("name", ["consent", "fairness_band"])
async def test_a_deleted_guard_refuses(kind: str, root: Path, name: str) -> None:
    shutil.rmtree(root / "guards" / name)
    assert await judged(kind, root, data()) == MALFORMED


async def test_a_misspelt_guard_refuses(kind: str, root: Path) -> None:
    name = "consent"
    (path,) = [path for path in (root / "guards" / name).rglob("*.rego") if not path.stem.endswith("_test")]
    path.write_text(path.read_text().replace(f"package guards.{name}.", f"package guards.{name}s."))
    assert await judged(kind, root, data()) == MALFORMED


def _rule(name: str, mode: object) -> Callable[[Any], None]:
    return lambda document: document["models"]["credit"]["rules"].update({name: mode})


async def test_a_rule_that_no_guard_answers_for_refuses(kind: str, root: Path) -> None:
    assert await judged(kind, root, data(_rule("concent", "off"))) == MALFORMED


@pytest.mark.parametrize("mode", ["off ", "SHADOW"])
async def test_any_other_mode_enforces(kind: str, root: Path, mode: str) -> None:
    missing = {"status": "missing", "scopes": []}
    found = await judged(kind, root, data(_rule("consent", mode)), consent=missing)
    assert found == ["consent_missing"]


@pytest.mark.parametrize("changes", [{"phase": "re-quest"}, {"phase": None}, {"instances": 0}, {"instances": "1"}])
async def test_an_unsound_question_refuses(kind: str, root: Path, changes: dict[str, object]) -> None:
    assert await judged(kind, root, data(), **changes) == MALFORMED


def _without_limit(document: Any) -> None:
    del document["models"]["credit"]["max_age_days"]


def _without_date(document: Any) -> None:
    del document["datasets"]["loans-2026-11-20"]["created_unix_s"]


@pytest.mark.parametrize("change", [_without_limit, _without_date])
async def test_a_missing_limit_refuses(kind: str, root: Path, change: Callable[[Any], None]) -> None:
    found = await judged(kind, root, data(change))
    assert found != ["allow"]


async def test_an_unknown_model_refuses(kind: str, root: Path) -> None:
    endpoint = {"protocol": "v2", "operation": "infer", "model": "other", "version": None}
    found = await judged(kind, root, data(), endpoint=endpoint)
    assert found == ["model_unknown"]
