from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from sidecar.http1.target import Target
from sidecar.model.clock import SystemClock
from sidecar.policy.bundle import build
from sidecar.policy.bundled.config import load_config
from sidecar.policy.bundled.make import bundled_policy
from sidecar.policy.make import child_policy, embedded_policy, remote_policy
from tests.bundled import config_file
from tests.bundles import FILES, REVISION, ROOTS, SEQUENCE, manifest, modules, signed
from tests.policies import DATA, REGO, opa_binary, question, shape
from tests.servers.bundles import bundle_server

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.policy.policy import Policy


@pytest.fixture
def data_file(tmp_path: Path) -> Path:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(DATA))
    return path


def bundle_of(name: str) -> bytes:
    return signed(name, modules() if name == "policy" else FILES[name], manifest(name, f"{name}-1"))


async def judged(policy: Policy) -> tuple[str, str, list[object]]:
    """Kind, revision, and the codes of an allowed request, a denied one, and a broken one."""
    await policy.start()
    try:
        allowed = await policy.decide(question(), cacheable=True)
        consent = shape()["consent"] | {"scopes": []}  # type: ignore[operator]
        denied = await policy.decide(question(consent=consent), cacheable=True)
        assert allowed.revision == denied.revision == policy.snapshot().revision
        assert policy.snapshot().of("credit").risk_tier == "high"
        return policy.kind, policy.revision, [allowed.allow, *(reason.code for reason in denied.reasons)]
    finally:
        await policy.aclose()


async def test_the_shipped_rules_in_each_kind_of_engine(data_file: Path, tmp_path: Path) -> None:
    clock = SystemClock()
    built = build(REGO, data_file)
    expected = [True, "consent_scope_mismatch"]
    policy = embedded_policy(REGO, data_file, mode="enforce", timeout_s=5, clock=clock)
    assert await judged(policy) == ("embedded", built.revision, expected)
    policy = child_policy(opa_binary(), REGO, data_file, mode="enforce", timeout_s=5, clock=clock)
    assert await judged(policy) == ("opa", built.revision, expected)
    with bundle_server() as registry:
        for name in ROOTS:
            registry.put(name, bundle_of(name))
        bundles = load_config(config_file(tmp_path, f"http://127.0.0.1:{registry.port}"))
        policy = bundled_policy(bundles, tmp_path, mode="enforce", timeout_s=5, max_age_s=60, clock=clock)
        assert await judged(policy) == ("embedded", REVISION, expected)
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {f"{name}@{SEQUENCE}.tar.gz" for name in ROOTS}
    archive, socket = tmp_path / "bundle.tar.gz", f"unix://{tmp_path}/s"
    archive.write_bytes(built.archive())
    command = [str(opa_binary()), "run", "--server", "--addr", socket, "--skip-version-check"]
    with subprocess.Popen(  # noqa: ASYNC220 - it is started once, by the test
        [*command, "--set=status.prometheus=true", "--bundle", str(archive)], stderr=subprocess.DEVNULL
    ) as process:
        policy = remote_policy(Target.parse(socket), mode="enforce", timeout_s=5, max_age_s=60, clock=clock)
        assert await judged(policy) == ("opa", built.revision, expected)
        process.kill()


class Kept:
    """Revisions and bundles, as they came."""

    def __init__(self) -> None:
        self.archives: list[tuple[str, bytes]] = []

    def keep(self, revision: str, archive: bytes) -> None:
        self.archives.append((revision, archive))


async def test_a_keeper_gets_the_policy_from_each_kind_of_engine(data_file: Path) -> None:
    clock, kept = SystemClock(), Kept()
    built = build(REGO, data_file)
    await judged(embedded_policy(REGO, data_file, mode="enforce", timeout_s=5, clock=clock, keeper=kept))
    await judged(child_policy(opa_binary(), REGO, data_file, mode="enforce", timeout_s=5, clock=clock, keeper=kept))
    assert kept.archives == [(built.revision, built.archive())] * 2
