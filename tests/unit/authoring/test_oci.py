"""A bundle in a real OCI registry, pulled from it and verified by a real OPA."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.authoring.building import Built, build
from sidecar.authoring.oci import push
from sidecar.authoring.places import NotPublished
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compiling import EmbeddedCompiler
from sidecar.policy.examine import ROOTS
from tests.keys import EC, RSA, PrivateKey, public_pem, signing_key
from tests.policies import REGO, opa_binary
from tests.process import wait_until
from tests.servers.oci import oci_registry, require_oci_registry
from tests.servers.process import free_ports

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

NAME = "policies/credit:production"


def bundle(sequence: int, key: PrivateKey = EC) -> Built:
    return build(REGO, Manifest(f"r{sequence}", ROOTS, sequence, 1_795_300_000.0), signing_key(key), EmbeddedCompiler())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    require_oci_registry()
    with oci_registry(tmp_path) as host:
        yield host


@contextmanager
def opa_pulling(host: str, folder: Path) -> Generator[str]:
    """The URL of an OPA that takes the bundle from the registry, signed by `EC` alone."""
    [port] = free_ports(1)
    config: dict[str, Any] = {
        "services": {"oci": {"url": f"http://{host}", "type": "oci"}},
        "keys": {"policy": {"algorithm": "ES256", "key": public_pem(EC).decode()}},
        "bundles": {
            "policy": {
                "service": "oci",
                "resource": f"{host}/{NAME}",
                "signing": {"keyid": "policy", "scope": "policy"},
                "polling": {"min_delay_seconds": 1, "max_delay_seconds": 1},
            }
        },
        "persistence_directory": str(folder / "persisted"),
        "status": {"console": False, "prometheus": False},
    }
    (folder / "opa.json").write_text(json.dumps(config))
    command = [opa_binary(), "run", "--server", "--addr", f"127.0.0.1:{port}", "--config-file", folder / "opa.json"]
    with (folder / "opa.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def revision(url: str) -> str | None:
    """What OPA has activated; None before that."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/v1/data/sidecar/facts?provenance=true", timeout=5) as answer:
            return json.load(answer)["provenance"].get("bundles", {}).get("policy", {}).get("revision")
    except OSError:
        return None


def test_opa_pulls_what_was_pushed_and_then_what_is_newer(host: str, tmp_path: Path) -> None:
    assert push(bundle(1), f"oci://{host}/{NAME}").startswith(f"oci://{host}/{NAME}, layer sha256:")
    with opa_pulling(host, tmp_path) as url:
        wait_until(lambda: revision(url) == "r1")
        push(bundle(2), f"oci://{host}/{NAME}")
        wait_until(lambda: revision(url) == "r2")
        push(bundle(3, RSA), f"oci://{host}/{NAME}")
        wait_until(lambda: "signature" in (tmp_path / "opa.log").read_text())
        assert revision(url) == "r2"


def test_an_older_one_is_not_pushed_over_it_and_the_same_may_be(host: str) -> None:
    newer = bundle(2)
    assert push(newer, f"oci://{host}/{NAME}") == push(newer, f"oci://{host}/{NAME}")
    with pytest.raises(NotPublished, match="has sequence 2, and this bundle 1") as found:
        push(bundle(1), f"oci://{host}/{NAME}")
    assert found.value.is_finding
    push(bundle(1), f"oci://{host}/policies/other:production")


@pytest.mark.parametrize("target", ["oci://127.0.0.1:1", "oci://127.0.0.1:1/policies", "oci://"])
def test_a_target_that_names_no_tag_is_refused(target: str) -> None:
    with pytest.raises(NotPublished, match="is not oci://HOST/REPOSITORY:TAG"):
        push(bundle(1), target)


def test_a_registry_that_does_not_answer_is_said() -> None:
    [port] = free_ports(1)
    with pytest.raises(NotPublished, match=f"oci://127.0.0.1:{port}/{NAME}: ") as found:
        push(bundle(1), f"oci://127.0.0.1:{port}/{NAME}")
    assert not found.value.is_finding
