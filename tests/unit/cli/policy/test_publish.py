from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.certificates import self_signed
from tests.keys import RSA, public_pem
from tests.servers.process import free_ports
from tests.servers.registry import RegistryServer
from tests.unit.cli.policy.calls import policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def built(root: Path, keys: Path, sequence: int) -> Path:
    path = keys / f"{sequence}.tar.gz"
    shown = policy("build", root, "--signing-key", keys / "policy.pem", "--output", path, "--sequence", sequence)
    assert shown.exit_code == 0, shown.output
    return path


def test_to_a_folder_and_only_newer_ones(root: Path, keys: Path) -> None:
    first, second, target = built(root, keys, 1), built(root, keys, 2), keys / "bundles"
    shown = policy("publish", second, target, "--json", "--public-key", keys / "policy.pub")
    told = json.loads(shown.stdout)
    assert (shown.exit_code, told["published"], told["sequence"]) == (0, f"{target}/policy.tar.gz", 2)
    assert (target / "policy.tar.gz").read_bytes() == second.read_bytes()
    shown = policy("publish", first, target)
    assert (shown.exit_code, "has sequence 2, and this bundle 1: build it anew" in shown.stderr) == (1, True)
    assert (target / "policy.tar.gz").read_bytes() == second.read_bytes()


def test_what_another_key_signed_is_not_published(root: Path, keys: Path) -> None:
    (keys / "other.pub").write_bytes(public_pem(RSA))
    shown = policy("publish", built(root, keys, 1), keys / "bundles", "--public-key", keys / "other.pub")
    assert (shown.exit_code, "does not verify" in shown.stderr) == (1, True)
    assert not (keys / "bundles").exists()


def test_what_is_no_policy_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_text("no bundle")
    shown = policy("publish", tmp_path / "x.tar.gz", tmp_path / "bundles")
    assert (shown.exit_code, "sidecar: bundle: " in shown.stderr) == (1, True)


@pytest.mark.parametrize("target", ["oci://nowhere", "nosuch://bundles", "http://registry.example", "127.0.0.1:8095"])
def test_a_target_that_will_not_do_is_bad_usage(target: str, root: Path, keys: Path) -> None:
    shown = policy("publish", built(root, keys, 1), target)
    assert shown.exit_code == 2
    assert shown.stderr.startswith("sidecar: ")


def test_a_registry_that_does_not_answer_is_told(root: Path, keys: Path) -> None:
    [port] = free_ports(1)
    shown = policy("publish", built(root, keys, 1), f"http://127.0.0.1:{port}")
    assert (shown.exit_code, f"127.0.0.1:{port}" in shown.stderr) == (2, True)


@pytest.fixture
def registry(keys: Path) -> Iterator[RegistryServer]:
    (keys / "registry").mkdir()
    with RegistryServer(keys / "registry", "--policy-key", str(keys / "policy.pub")) as server:
        yield server


def test_to_a_registry_that_takes_only_newer_ones(root: Path, keys: Path, registry: RegistryServer) -> None:
    (keys / "token").write_text(registry.tokens["engineer"])
    first, second, token = built(root, keys, 1), built(root, keys, 2), ["--token-file", keys / "token"]
    shown = policy("publish", second, registry.url, *token, "--json")
    told = json.loads(shown.stdout)
    assert (shown.exit_code, told["registry"]["sequence"], told["registry"]["revision"]) == (0, 2, told["revision"])
    shown = policy("publish", first, registry.url, *token)
    assert (shown.exit_code, "sequence 1 is not above 2" in shown.stderr) == (1, True)


def test_a_registry_with_an_authority_of_its_own(root: Path, keys: Path) -> None:
    certificate, key = self_signed(keys)
    flags = ["--policy-key", keys / "policy.pub", "--tls-cert", certificate, "--tls-key", key]
    (keys / "registry").mkdir()
    with RegistryServer(keys / "registry", *map(str, flags)) as server:
        (keys / "token").write_text(server.tokens["engineer"])
        url, token = server.url.replace("http://", "https://"), ["--token-file", keys / "token"]
        path = built(root, keys, 1)
        shown = policy("publish", path, url, *token)
        assert (shown.exit_code, "certificate" in shown.stderr.lower()) == (2, True)
        assert policy("publish", path, url, *token, "--ca-file", certificate).exit_code == 0


def test_a_token_that_may_not_publish_is_bad_usage(root: Path, keys: Path, registry: RegistryServer) -> None:
    (keys / "token").write_text(registry.tokens["steward"])
    shown = policy("publish", built(root, keys, 1), registry.url, "--token-file", keys / "token")
    assert (shown.exit_code, shown.stderr.startswith("sidecar: ")) == (2, True)
    assert policy("publish", keys / "1.tar.gz", registry.url).exit_code == 2


def test_without_the_registrys_client_the_remedy_is_named(
    root: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = built(root, keys, 1)
    monkeypatch.setitem(sys.modules, "sidecar.registry.client", None)
    shown = policy("publish", path, "https://registry.example")
    assert (shown.exit_code, "pip install model-policy-sidecar[registry]" in shown.stderr) == (2, True)
