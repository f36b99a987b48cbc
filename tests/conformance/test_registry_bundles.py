"""What a registry serves, by OPA's own judgement: configured by what `sidecar registry opa-config` prints."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from sidecar.cli.registry import command as registry_command
from sidecar.registry.store.database import migrate
from tests.keys import private_pem, public_pem
from tests.policies import opa_binary
from tests.process import fetch, wait_until
from tests.published import policy
from tests.registries import databases_of, pseudonym
from tests.registry_api import DATASET
from tests.servers.process import free_ports
from tests.servers.registry import RegistryServer

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SOON_S = 5.0
"""A revocation and a new data version reach a decision within so long."""


class Opa:
    """A real one, with its bundles from a registry."""

    def __init__(self, folder: Path, registry: RegistryServer, public_key: Path) -> None:
        self._folder = folder
        [port] = free_ports(1)
        self._address = f"127.0.0.1:{port}"
        (folder / "engine.token").write_text(registry.tokens["engine"])
        arguments = ["opa-config", "--url", registry.url, "--token-file", str(folder / "engine.token")]
        arguments += ["--public-key", str(public_key), "--policy-key", str(folder / "policy.pub.pem")]
        printed = CliRunner().invoke(registry_command, arguments)
        assert printed.exit_code == 0, printed.output
        (folder / "opa.yaml").write_text(printed.output)

    @contextmanager
    def running(self) -> Generator[Opa]:
        command = [opa_binary(), "run", "--server", "--addr", self._address, "--config-file", "opa.yaml"]
        with (self._folder / "opa.log").open("ab") as log:
            process = subprocess.Popen([*command, "--disable-telemetry"], cwd=self._folder, stderr=log, stdout=log)
        try:
            yield self
        finally:
            process.kill()
            process.wait()

    def get(self, path: str) -> Any:
        """The value at a path below `data`; None where there is none, or no OPA yet."""
        try:
            return fetch(f"http://{self._address}/v1/data/{path}").json.get("result")
        except OSError:
            return None

    def is_active(self) -> bool:
        """Whether it has activated every bundle."""
        try:
            return fetch(f"http://{self._address}/health?bundles").status == 200
        except OSError:
            return False

    def revisions(self) -> dict[str, str]:
        bundles = fetch(f"http://{self._address}/v1/status").json["result"]["bundles"]
        return {name: bundle["active_revision"] for name, bundle in bundles.items()}

    def problems(self) -> dict[str, str]:
        bundles = fetch(f"http://{self._address}/v1/status").json["result"]["bundles"]
        return {name: bundle["message"] for name, bundle in bundles.items() if "message" in bundle}


def registry_in(folder: Path, *flags: str, database: str = "", name: str = "registry") -> RegistryServer:
    (folder / "policy.pub.pem").write_bytes(public_pem())
    return RegistryServer(folder, "--policy-key", f"{folder}/policy.pub.pem", *flags, database=database, name=name)


def revoke(registry: RegistryServer, number: int) -> None:
    assert registry.ask("POST", "/v1/revocations", {"subjects": [pseudonym(number)]}, "steward").status == 200


def is_revoked(opa: Opa, number: int) -> bool:
    return opa.get(f"revocations/subjects/{pseudonym(number)}") is not None


@pytest.fixture
def registry(tmp_path: Path) -> Generator[RegistryServer]:
    with registry_in(tmp_path) as server:
        assert server.ask("POST", "/v1/policies", policy(1), Content_Type="application/gzip").status == 201
        yield server


@pytest.fixture
def opa(tmp_path: Path, registry: RegistryServer) -> Generator[Opa]:
    with Opa(tmp_path, registry, tmp_path / "registry.db.key.pub.pem").running() as made:
        wait_until(made.is_active)
        yield made


def test_all_four_are_activated_and_all_is_as_it_was_published(opa: Opa, registry: RegistryServer) -> None:
    shown = dict(registry.ready["bundles"]) | {"policy": "commit-1"}
    assert opa.revisions() == shown
    assert opa.problems() == {}
    assert opa.get("revocations/after") == 0
    assert opa.get("revocations/earlier/number") == 0
    assert opa.get("sidecar/facts") is not None


def test_a_data_set_a_policy_and_revocations_are_seen_soon(opa: Opa, registry: RegistryServer) -> None:
    registry.ask("PUT", "/v1/datasets/loans", DATASET)
    wait_until(lambda: opa.get("datasets/loans") == DATASET | {"parents": []}, SOON_S)
    registry.ask("POST", "/v1/policies", policy(2), Content_Type="application/gzip")
    wait_until(lambda: opa.revisions()["policy"] == "commit-2", SOON_S)
    for number in range(10):
        revoke(registry, number)
        wait_until(lambda number=number: is_revoked(opa, number), SOON_S)
    assert opa.problems() == {}


def test_it_goes_on_while_the_registry_is_away_and_sees_what_is_new_soon_after(
    opa: Opa, registry: RegistryServer
) -> None:
    revoke(registry, 1)
    wait_until(lambda: is_revoked(opa, 1), SOON_S)
    assert registry.stop() == 0
    wait_until(lambda: len(opa.problems()) == 4)
    assert is_revoked(opa, 1)
    registry.start()
    revoke(registry, 2)
    wait_until(lambda: is_revoked(opa, 2), SOON_S)
    wait_until(lambda: "revocations" not in opa.problems())


def test_whom_there_is_no_room_to_wait_for_backs_off_and_misses_nothing(tmp_path: Path) -> None:
    with registry_in(tmp_path, "--waiters", "1") as registry:
        registry.ask("POST", "/v1/policies", policy(1), Content_Type="application/gzip")

        def refused() -> float:
            page = registry.ask("GET", "/metrics", role=None).body.decode()
            line = 'sidecar_registry_requests_total{method="GET",route="/v1/bundles/{name}.tar.gz",status="503"} '
            return next((float(each.removeprefix(line)) for each in page.splitlines() if each.startswith(line)), 0.0)

        with Opa(tmp_path, registry, tmp_path / "registry.db.key.pub.pem").running() as opa:
            wait_until(opa.is_active)
            started_s = time.monotonic()
            wait_until(lambda: refused() >= 24)
            assert time.monotonic() - started_s > 1.0  # else it would not back off
            revoke(registry, 1)
            wait_until(lambda: is_revoked(opa, 1), SOON_S)


def test_two_registries_on_one_database_serve_the_same(tmp_path: Path) -> None:
    with databases_of("postgresql", tmp_path) as databases:
        url = databases.empty()
        migrate(url)
        (tmp_path / "key.pem").write_bytes(private_pem())
        flags = ("--signing-key", f"{tmp_path}/key.pem")
        with (
            registry_in(tmp_path, *flags, database=url) as one,
            registry_in(tmp_path, *flags, database=url, name="other") as other,
            Opa(tmp_path, one, tmp_path / "key.pub.pem").running() as opa,
        ):
            other.ask("POST", "/v1/policies", policy(1), Content_Type="application/gzip")
            wait_until(opa.is_active)
            for number in range(5):
                revoke(other, number)
                wait_until(lambda number=number: is_revoked(opa, number), SOON_S)
            paths = [f"/v1/bundles/{name}.tar.gz" for name in opa.revisions()]
            wait_until(lambda: all(one.ask("GET", path).body == other.ask("GET", path).body for path in paths))
