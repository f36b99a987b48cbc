from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.app.problems import StartProblems
from sidecar.app.rooms import consent_room, log_room, opened, policy_room, shipped
from sidecar.consent.verify import ConsentOff
from sidecar.model.clock import SystemClock
from sidecar.policy.events import NoEvents
from sidecar.settings import Settings, load
from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.lab import DATA

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


def settings(tmp_path: Path, data: dict[str, Any] | None = None, **flags: object) -> Settings:
    (tmp_path / "data.json").write_text(json.dumps(DATA if data is None else data))
    given = {
        "upstream": "http://127.0.0.1:1",
        "server": "mlserver",
        "engine": "embedded",
        "data": str(tmp_path / "data.json"),
        "audit_dir": str(tmp_path / "audit"),
        "consent_keys": str(Issuer().write_jwks(tmp_path / "jwks.json")),
        "consent_issuer": ISSUER,
        "consent_audience": AUDIENCE,
    }
    return load(given | flags)


async def problems_of(room: contextlib.AbstractAsyncContextManager[object]) -> list[str]:
    found: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        assert await opened(stack, room, found) is None
    return found


async def test_the_shipped_policy_opens(tmp_path: Path) -> None:
    async with policy_room(settings(tmp_path), SystemClock(), NoEvents()) as policy:
        assert policy.facts is not None
        assert set(policy.facts.models) == {"credit"}
    assert (shipped("rego") / "guards").is_dir()


async def test_every_problem_of_the_data_is_told(tmp_path: Path) -> None:
    bad = {"models": {"credit": {"rules": {"nonsense": "enforce"}}}, "nonsense": 1}
    found = await problems_of(policy_room(settings(tmp_path, bad), SystemClock(), NoEvents()))
    assert [word for word in ("nonsense", "models.credit") if not any(word in problem for problem in found)] == []
    assert len(found) > 1


async def test_consent_off_needs_every_models_rule_off(tmp_path: Path) -> None:
    given = settings(tmp_path, consent="off", consent_keys=None, consent_issuer=None, consent_audience=None)
    assert await problems_of(policy_room(given, SystemClock(), NoEvents())) == [
        "--consent off, but rule `consent` is not off for: credit"
    ]


async def test_a_key_set_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    given = settings(tmp_path)
    (tmp_path / "jwks.json").write_text("no key set")
    found = await problems_of(consent_room(given, SystemClock()))
    assert len(found) == 1
    assert found[0].startswith("--consent-keys: ")


async def test_consent_that_is_off_verifies_nothing_whatever_else_is_given(tmp_path: Path) -> None:
    async with consent_room(settings(tmp_path, consent="off"), SystemClock()) as consent:
        assert isinstance(consent, ConsentOff)


async def test_an_audit_folder_belongs_to_one_process(tmp_path: Path) -> None:
    given = settings(tmp_path)
    async with log_room(given, SystemClock()):
        with pytest.raises(StartProblems) as caught:
            async with log_room(given, SystemClock()):
                pass
    assert "another process writes" in caught.value.problems[0]


async def test_opa_by_name_needs_a_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.rooms.find_opa", lambda: None)
    found = await problems_of(policy_room(settings(tmp_path, engine="opa"), SystemClock(), NoEvents()))
    assert found == ["--engine opa: no opa is on PATH; scripts/install-opa gets it"]
    async with policy_room(settings(tmp_path, engine="auto"), SystemClock(), NoEvents()) as policy:
        assert policy.kind == "embedded"
