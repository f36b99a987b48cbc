from __future__ import annotations

import asyncio
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sidecar.http1.target import Target
from sidecar.model.clock import SystemClock
from sidecar.model.refusal import Refused
from sidecar.policy.events import NoEvents
from sidecar.policy.opa import OpaClient
from sidecar.policy.remote import NOT_ENABLED, RemoteSource
from tests.policies import ALLOW, bundle, module, opa_binary, until
from tests.servers.bundles import BundleServer, bundle_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

POLICY = module(f"decision := {ALLOW}")
CONFIG = """
services: {{hub: {{url: "http://127.0.0.1:{port}"}}}}
bundles:
  rules: {{service: hub, resource: rules.tar.gz, polling: {{min_delay_seconds: 1, max_delay_seconds: 1}}}}
status: {{prometheus: true}}
"""


@pytest.fixture
def hub() -> Iterator[BundleServer]:
    with bundle_server() as server:
        server.put("rules", bundle(POLICY, "r1").archive())
        yield server


@asynccontextmanager
async def opa(tmp_path: Path, *arguments: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    command = [str(opa_binary()), "run", "--server", "--addr", f"unix://{tmp_path}/s", "--skip-version-check"]
    process = subprocess.Popen(  # noqa: ASYNC220 - it is started once, by the test
        [*command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


class Told(NoEvents):
    def __init__(self) -> None:
        self.revisions: asyncio.Queue[str] = asyncio.Queue()
        self.failures: asyncio.Queue[str] = asyncio.Queue()

    def activated(self, revision: str) -> None:
        self.revisions.put_nowait(revision)

    def activation_failed(self) -> None:
        self.failures.put_nowait("activation")

    def poll_failed(self) -> None:
        self.failures.put_nowait("poll")


@asynccontextmanager
async def source(
    tmp_path: Path, told: Told | None = None, *, start_wait_s: float = 20, ages_matter: bool = True
) -> AsyncIterator[RemoteSource]:
    clock = SystemClock()
    made = RemoteSource(
        OpaClient(Target.parse(f"unix://{tmp_path}/s"), clock),
        clock,
        timeout_s=5,
        events=told,
        poll_s=0.05,
        status_s=0.1,
        start_wait_s=start_wait_s,
        ages_matter=ages_matter,
    )
    try:
        yield made
    finally:
        await made.aclose()


def configured(tmp_path: Path, hub: BundleServer) -> str:
    path = tmp_path / "opa.yaml"
    path.write_text(CONFIG.format(port=hub.port))
    return f"--config-file={path}"


async def problems(remote: RemoteSource) -> str:
    await remote.start()
    return " ".join(remote.problems)


async def test_bundles_over_http_have_an_age_and_a_new_revision_brings_new_facts(
    tmp_path: Path, hub: BundleServer
) -> None:
    told = Told()
    async with opa(tmp_path, configured(tmp_path, hub)), source(tmp_path, told) as remote:
        assert remote.age_s() == float("inf")
        await remote.start()  # OPA may begin to answer later than we begin to ask
        generation = remote.generation
        assert generation is not None
        assert (generation.facts.revision, await told.revisions.get()) == ("r1", "r1")
        age_s = remote.age_s()
        assert age_s is not None
        assert 0 <= age_s < 60
        assert remote.steady
        models = 'facts := {"models": {"credit": {}}, "guards": {}, "absent": []}'
        text = module(f"decision := {ALLOW}", models, "decisions := {}")
        hub.put("rules", bundle(text, "r2").archive())
        assert await told.revisions.get() == "r2"
        assert remote.generation is not None
        assert set(remote.generation.facts.models) == {"credit"}


async def test_a_broken_bundle_ages_what_is_active(tmp_path: Path, hub: BundleServer) -> None:
    async with opa(tmp_path, configured(tmp_path, hub)), source(tmp_path) as remote:
        await remote.start()
        hub.put("rules", b"junk")
        # With a poll each second, a healthy bundle never gets there.
        await until(lambda: (remote.age_s() or 0.0) > 2.5)
        assert remote.generation is not None
        assert remote.steady


async def test_bundles_from_disk_have_no_age(tmp_path: Path) -> None:
    (tmp_path / "rules.tar.gz").write_bytes(bundle(POLICY, "r5").archive())
    arguments = ("--bundle", f"{tmp_path}/rules.tar.gz", "--set=status.prometheus=true")
    async with opa(tmp_path, *arguments), source(tmp_path) as remote:
        await remote.start()
        assert remote.age_s() is None
        assert remote.generation is not None
        assert remote.generation.facts.revision == "r5"


async def test_without_the_status_plugin_the_policy_is_infinitely_old(tmp_path: Path) -> None:
    (tmp_path / "rules.tar.gz").write_bytes(bundle(POLICY, "r5").archive())
    arguments = ("--bundle", f"{tmp_path}/rules.tar.gz")
    async with opa(tmp_path, *arguments), source(tmp_path, start_wait_s=1.5) as remote:
        assert await problems(remote) == NOT_ENABLED
        assert remote.age_s() == float("inf")


async def test_where_age_does_not_matter_the_status_plugin_may_be_off(tmp_path: Path) -> None:
    (tmp_path / "rules.tar.gz").write_bytes(bundle(POLICY, "r5").archive())
    async with opa(tmp_path, "--bundle", f"{tmp_path}/rules.tar.gz"), source(tmp_path, ages_matter=False) as remote:
        assert await problems(remote) == ""
        assert remote.age_s() is None


async def test_a_policy_without_a_bundle_is_not_activated(tmp_path: Path) -> None:
    (tmp_path / "policy.rego").write_text(POLICY)
    arguments = (f"{tmp_path}/policy.rego", "--set=status.prometheus=true")
    async with opa(tmp_path, *arguments), source(tmp_path, start_wait_s=1.5) as remote:
        assert await problems(remote) == "policy_unavailable: the policy engine has no bundle"


async def test_a_daemon_that_comes_late_is_found(tmp_path: Path) -> None:
    async with source(tmp_path, start_wait_s=0.2) as remote:
        assert "policy_unavailable" in await problems(remote)
        assert remote.generation is None
        (tmp_path / "rules.tar.gz").write_bytes(bundle(POLICY, "r5").archive())
        arguments = ("--bundle", f"{tmp_path}/rules.tar.gz", "--set=status.prometheus=true")
        async with opa(tmp_path, *arguments):
            await until(lambda: remote.generation is not None and not remote.problems)


async def test_a_failing_poll_is_seen_and_mends_itself(tmp_path: Path) -> None:
    (tmp_path / "rules.tar.gz").write_bytes(bundle(POLICY, "r5").archive())
    arguments = ("--bundle", f"{tmp_path}/rules.tar.gz", "--set=status.prometheus=true")
    told = Told()
    async with source(tmp_path, told) as remote:
        async with opa(tmp_path, *arguments):
            await remote.start()
        while not told.failures.empty():  # those from before OPA answered
            told.failures.get_nowait()
        assert await told.failures.get() == "poll"
        assert not remote.steady
        assert "policy_unavailable" in remote.problems[0]
        generation = remote.generation
        assert generation is not None
        with pytest.raises(Refused, match="policy_unavailable"):
            await generation.engine.decide(b"{}")
        (tmp_path / "s").unlink(missing_ok=True)
        async with opa(tmp_path, *arguments):
            await until(lambda: remote.steady)
            assert remote.problems == ()
            assert remote.generation is generation


async def test_facts_that_are_not_acceptable_keep_the_last_good_ones(tmp_path: Path, hub: BundleServer) -> None:
    told = Told()
    async with opa(tmp_path, configured(tmp_path, hub)), source(tmp_path, told) as remote:
        await remote.start()
        while not told.failures.empty():
            told.failures.get_nowait()
        wrong = 'facts := {"models": {"credit": {"batch": 1}}}'
        text = module(f"decision := {ALLOW}", wrong, "decisions := {}")
        hub.put("rules", bundle(text, "r2").archive())
        assert await told.failures.get() == "activation"
        assert "models.credit.batch" in remote.problems[0]
        assert remote.generation is not None
        assert remote.generation.facts.revision == "r1"
        assert not remote.steady
        await remote.refresh()
        assert await told.failures.get() == "activation"
