"""The one OPA of all workers: a real one."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest

from sidecar.app.workers.engine import SharedEngine, shared_binary
from sidecar.audit.policies import KeptPolicies
from sidecar.http1.target import Target
from sidecar.model.clock import SystemClock
from sidecar.model.refusal import Refused
from sidecar.policy.opa import OpaClient
from tests.lab import DATA, REGO
from tests.policies import opa_binary, until
from tests.unit.app.given import settings

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.policy.followed import Told

pytestmark = pytest.mark.anyio


@pytest.fixture
def told() -> list[Told]:
    return []


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[Told]) -> SharedEngine:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shutil.copytree(REGO, tmp_path / "rego")
    given = settings(tmp_path, engine="opa", policy=str(tmp_path / "rego"))
    clock = SystemClock()
    return SharedEngine(given, opa_binary(), clock, KeptPolicies(given.audit_dir, clock), told.append)


async def revision(socket: str | None) -> str:
    client = OpaClient(Target.parse(f"unix://{socket}"), SystemClock())
    try:
        return (await client.revision()).text
    finally:
        await client.aclose()


async def test_a_change_is_another_socket_and_the_former_one_goes_on_until_the_end(
    engine: SharedEngine, told: list[Told], tmp_path: Path
) -> None:
    await engine.start()
    await until(lambda: told)
    first = await revision(told[0].socket)
    (tmp_path / "data.json").write_text(json.dumps(DATA | {"objections": {"subjects": {"f" * 64: {}}}}))
    await until(lambda: len(told) == 2)
    assert (told[0].problems, told[1].problems) == ((), ())
    assert await revision(told[1].socket) != first == await revision(told[0].socket)
    kept = [path.name for path in (tmp_path / "audit" / "policies").iterdir()]
    assert f"{first}.tar.gz" in kept
    assert len(kept) == 2
    await engine.aclose()
    for each in told:
        with pytest.raises(Refused):
            await revision(each.socket)
    assert [name for name in os.listdir(tmp_path) if name.startswith("sidecar-opa-")] == []


async def test_what_is_wrong_is_told_and_that_it_is_mended(
    engine: SharedEngine, told: list[Told], tmp_path: Path
) -> None:
    await engine.start()
    await until(lambda: told)
    good = (tmp_path / "data.json").read_text()
    (tmp_path / "data.json").write_text("{")
    await until(lambda: told[-1].problems)
    assert told[-1].socket == told[0].socket
    (tmp_path / "data.json").write_text(good)
    await until(lambda: not told[-1].problems)
    assert {each.socket for each in told} == {told[0].socket}
    await engine.aclose()


async def test_a_policy_that_cannot_be_activated_at_the_start_is_told_without_a_socket(
    engine: SharedEngine, told: list[Told], tmp_path: Path
) -> None:
    (tmp_path / "data.json").write_text("{")
    await engine.start()
    [only] = told
    assert (only.socket, len(only.problems)) == (None, 1)
    await engine.aclose()


async def test_a_daemon_that_died_is_counted(engine: SharedEngine, told: list[Told]) -> None:
    await engine.start()
    await until(lambda: told)
    generation = engine._source.generation
    assert generation is not None
    process = generation.engine._engine.process  # type: ignore[attr-defined]
    os.kill(process.pid, 9)
    await until(lambda: told[-1].restarts == 1)
    async with asyncio.timeout(10):
        await engine.aclose()


def test_only_a_child_is_shared(tmp_path: Path) -> None:
    assert shared_binary(settings(tmp_path, engine="opa")) == opa_binary()
    assert shared_binary(settings(tmp_path, engine="embedded")) is None
    for elsewhere in ({"opa": "unix:///run/opa.sock"}, {"bundles": tmp_path / "opa.yaml"}):
        assert shared_binary(settings(tmp_path, engine="opa").model_copy(update=elsewhere)) is None
