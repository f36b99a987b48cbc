"""`sidecar run --engine embedded --bundles` with a real registry: a change, a revocation, an outage, restarts; and an
OPA with the very same file beside it, of which each decision is asked, too.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.e2e.deployment import BODY, PATH, Keys, Opa, fill, opa_config, publish
from tests.issuer import ISSUER
from tests.process import REPOSITORY, example_data, started, wait_until
from tests.servers.registry import RegistryServer
from tests.upstream import recording_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.process import Sidecar

pytestmark = pytest.mark.heavy


@contextmanager
def deployed(folder: Path) -> Generator[RegistryServer]:
    """A registry with the shipped rules and data of today, and OPA's file for it: `opa.yaml`."""
    keys, subject_key = Keys.made(folder, "policy"), folder / "subject-key"
    subject_key.write_bytes(secrets.token_bytes(32))
    subject_key.chmod(0o600)
    flags = ("--policy-key", str(keys.public), "--subject-key", str(subject_key))
    with RegistryServer(folder, *flags) as registry:
        fill(registry, example_data())
        publish(registry, REPOSITORY / "rego", keys, revision="shipped")
        printed = yaml.safe_load(opa_config(registry, folder / "registry.db.key.pub.pem", keys.public))
        (folder / "opa.yaml").write_text(yaml.safe_dump(printed | {"persistence_directory": str(folder / "kept")}))
        yield registry


@contextmanager
def running(folder: Path, upstream: str, *flags: str) -> Generator[Sidecar]:
    bundles = ("--bundles", str(folder / "opa.yaml"), "--subject-key", str(folder / "subject-key"))
    with started(folder, upstream, "--server", "mlserver", "--engine", "embedded", *bundles, *flags) as sidecar:
        yield sidecar


def codes(sidecar: Sidecar, **named: Any) -> list[str]:
    answer = sidecar.infer(PATH, BODY, token=sidecar.issuer.token(**named))
    return [] if answer.status == 200 else answer.codes


def cross_checks(sidecar: Sidecar) -> dict[str, float]:
    lines = [line for line in sidecar.metrics().splitlines() if line.startswith("sidecar_cross_check_total{")]
    return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_changes_reach_it_and_opa_agrees_with_every_decision(tmp_path: Path) -> None:
    opa_folder = tmp_path / "opa"
    opa_folder.mkdir()
    with recording_server() as upstream, deployed(tmp_path) as registry:
        opa = Opa(opa_folder)
        named = yaml.safe_load((tmp_path / "opa.yaml").read_text())
        (opa_folder / "opa.yaml").write_text(yaml.safe_dump(named | {"persistence_directory": str(opa_folder)}))
        opa.start()
        try:
            with running(tmp_path, upstream.url, "--cross-check-share", "1", "--opa", opa.url) as sidecar:
                sidecar.await_ready()
                assert sidecar.ready["engine"] == "embedded"
                wait_until(lambda: codes(sidecar) == [] and cross_checks(sidecar).get("same", 0) >= 2)
                revoked = {"tokens": [{"issuer": ISSUER, "token_id": "mine"}]}
                assert codes(sidecar, jti="mine") == []
                assert registry.ask("POST", "/v1/revocations", revoked, "steward").status == 200
                took_s = wait_until(lambda: codes(sidecar, jti="mine") == ["consent_revoked"])
                assert took_s < 5
                bundles = sidecar.status()["bundles"]
                assert set(bundles) == {"data", "policy", "revocations", "revocations-earlier"}
                assert [one["problem"] for one in bundles.values()] == [None] * 4
                same = cross_checks(sidecar)["same"]
                wait_until(lambda: codes(sidecar, jti="mine") != [] and cross_checks(sidecar)["same"] > same)
                assert cross_checks(sidecar).get("different", 0) == 0
                assert sidecar.stop() == 0
                records = [record for record in sidecar.records() if record["kind"] in ("INTENT", "REFUSAL")]
                assert {record["engine"] for record in records} == {"embedded"}
                assert all(len(record["policy_revision"].split("+")) == 4 for record in records)
        finally:
            opa.kill()


def test_it_starts_from_its_disk_while_the_registry_is_away_and_takes_up_what_is_new(tmp_path: Path) -> None:
    with recording_server() as upstream, deployed(tmp_path) as registry:
        with running(tmp_path, upstream.url) as sidecar:
            sidecar.await_ready()
            assert codes(sidecar) == []
            revision = sidecar.status()["policy"]["revision"]
            assert registry.stop() == 0
            wait_until(lambda: all(one["problem"] for one in sidecar.status()["bundles"].values()))
            assert codes(sidecar) == []
        with running(tmp_path, upstream.url) as sidecar:
            sidecar.await_ready()
            assert codes(sidecar) == []
            assert sidecar.status()["policy"]["revision"] == revision
            assert all(one["age_s"] > 0 for one in sidecar.status()["bundles"].values())
            registry.start()
            wait_until(lambda: not any(one["problem"] for one in sidecar.status()["bundles"].values()))
            revoked = {"tokens": [{"issuer": ISSUER, "token_id": "mine"}]}
            assert registry.ask("POST", "/v1/revocations", revoked, "steward").status == 200
            wait_until(lambda: codes(sidecar, jti="mine") == ["consent_revoked"])
            assert sidecar.stop() == 0
