from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from sidecar.app.policy_room import policy_room
from sidecar.app.rooms import shipped
from sidecar.model.clock import SystemClock
from sidecar.policy.bundle_memory import decode
from sidecar.policy.events import NoEvents
from tests.bundled import config_file, document
from tests.bundles import REVISION, ROOTS, SEQUENCE, Deployment
from tests.policies import question
from tests.servers.bundles import bundle_server
from tests.unit.app.given import problems_of, settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


class Results(NoEvents):
    """Of cross-checks."""

    def __init__(self) -> None:
        self.results: list[str] = []

    def cross_checked(self, result: str) -> None:
        self.results.append(result)


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


async def test_opa_by_name_needs_a_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.policy.child.find_opa", lambda: None)
    found = await problems_of(policy_room(settings(tmp_path, engine="opa"), SystemClock(), NoEvents()))
    assert found == ["--engine opa: no opa is on PATH; scripts/install-opa gets it"]
    async with policy_room(settings(tmp_path, engine="auto"), SystemClock(), NoEvents()) as policy:
        assert policy.kind == "embedded"


async def test_bundles_and_what_is_known_of_them_lie_beside_the_log(tmp_path: Path) -> None:
    with bundle_server() as registry:
        deployment = Deployment(registry, tmp_path)
        deployment.publish_all()
        named = document(f"http://127.0.0.1:{registry.port}", tmp_path)
        del named["persistence_directory"]
        (tmp_path / "bundles.yaml").write_text(yaml.safe_dump(named))
        given = settings(tmp_path).model_copy(update={"bundles": tmp_path / "bundles.yaml", "data": None})
        async with policy_room(given, SystemClock(), NoEvents()) as policy:
            assert (policy.kind, policy.revision) == ("embedded", REVISION)
    folder = tmp_path / "audit"
    assert {path.name for path in (folder / "bundles").iterdir()} == {f"{name}@{SEQUENCE}.tar.gz" for name in ROOTS}
    assert decode((folder / "bundles.json").read_bytes()).sequences == dict.fromkeys(ROOTS, SEQUENCE)


async def test_a_file_of_bundles_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "bundles.yaml").write_text("{}")
    given = settings(tmp_path).model_copy(update={"bundles": tmp_path / "bundles.yaml", "data": None})
    assert await problems_of(policy_room(given, SystemClock(), NoEvents())) == [
        f"{tmp_path}/bundles.yaml: {name}: is required" for name in ("services", "keys", "bundles")
    ]


async def test_a_cross_check_asks_the_other_engine(tmp_path: Path) -> None:
    told = Results()
    with bundle_server() as registry:
        deployment = Deployment(registry, tmp_path)
        deployment.publish_all()
        file = config_file(tmp_path, f"http://127.0.0.1:{registry.port}")
        update = {"bundles": file, "data": None, "cross_check_share": 1.0, "opa": f"unix://{tmp_path}/s"}
        with deployment.opa():
            async with policy_room(settings(tmp_path).model_copy(update=update), SystemClock(), told) as policy:
                while "same" not in told.results:  # OPA has its bundles a little later
                    assert (await policy.decide(question(), cacheable=False)).allow
                    await asyncio.sleep(0.05)
    assert "different" not in told.results


def test_a_start_loads_no_engine_before_it_knows_which_nor_what_few_settings_need() -> None:
    engines = {f"sidecar.policy.{name}" for name in ("bundled", "child", "embedded", "followed", "opa", "remote")}
    windows = {"sidecar.fairness.shared", "sidecar.fairness.socket_store"}
    chosen = engines | windows | {"sidecar.policy.cross_check", "sidecar.policy.bundle_memory", "yaml"}
    code = f"import sys, sidecar.app.assembly, sidecar.settings; print(*{chosen} & {{*sys.modules}})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ran.stdout == "\n"
