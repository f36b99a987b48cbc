from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sidecar.injector.certificates.upkeep import Names, Upkeep
from tests.unit.cli.injector.calls import run
from tests.unit.injector.certificates.api_server import SECRETS, ApiServer
from tests.unit.injector.certificates.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

FLAGS = ["--namespace", "system", "--name", "policy"]
NAMES = Names("policy")
SERVED = {NAMES.injector: ["injector.system.svc"], NAMES.registry: ["registry.system.svc"]}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[ApiServer]:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with ApiServer() as started:
        path = started.write_kubeconfig(tmp_path / "config")
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            started.webhooks(kind, "policy", "all")
        yield started


def fill(server: ApiServer) -> dict[str, str]:
    """What an injector left; each Secret's certificate."""
    store = MemoryStore(NAMES.authority, *SERVED)
    Upkeep(store, NAMES, SERVED, lambda: datetime.now(UTC)).round()
    for secret, kept in store.secrets.items():
        server.secret(secret, kept.data)
    return certificates(server)


def certificates(server: ApiServer) -> dict[str, str]:
    data = {secret: server.objects[SECRETS + secret]["data"] for secret in (NAMES.authority, *SERVED)}
    return {secret: members.get("tls.crt", members["ca.crt"]) for secret, members in data.items()}


@pytest.mark.parametrize(("flags", "stays"), [([], True), (["--ca"], False)])
def test_certificates_are_renewed_and_the_webhooks_told(server: ApiServer, flags: list[str], stays: bool) -> None:
    before = fill(server)
    shown = run("injector", "rotate", *FLAGS, *flags)
    after = certificates(server)
    assert shown.exit_code == 0
    told = [line.split(": until ")[0] for line in shown.stdout.splitlines()]
    assert told == ["authority", NAMES.injector, NAMES.registry]
    assert [secret for secret in before if before[secret] == after[secret]] == ([NAMES.authority] if stays else [])
    [webhook] = server.objects["/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/policy"]["webhooks"]
    bundle = base64.b64decode(webhook["clientConfig"]["caBundle"])
    assert bundle.startswith(base64.b64decode(after[NAMES.authority]))
    assert bundle.endswith(base64.b64decode(before[NAMES.authority]))


def test_what_stands_in_the_way_is_told(server: ApiServer) -> None:
    shown = run("injector", "rotate", *FLAGS)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert shown.stderr.startswith("sidecar: Secret system/policy-injector-tls: 404; the chart makes it")


def test_which_release_must_be_said(monkeypatch: pytest.MonkeyPatch, server: ApiServer) -> None:
    assert run("injector", "rotate", "--name", "policy").exit_code == 2
    fill(server)
    monkeypatch.setenv("SIDECAR_INJECTOR_NAMESPACE", "system")
    monkeypatch.setenv("SIDECAR_INJECTOR_NAME", "policy")
    assert run("injector", "rotate").exit_code == 0
