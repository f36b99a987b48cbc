from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.injector.config import InjectorConfig
from sidecar.injector.serving.settings import InjectorSettings
from sidecar.injector.serving.starting import Prepared, StartProblems, prepare
from sidecar.model.clock import SystemClock
from sidecar.settings import load_as
from tests.unit.injector.certificates.api_server import ADMISSION, SECRETS, ApiServer
from tests.unit.injector.serving.parts import CONFIG, write_pair

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PORTS = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"}
OWN = {"certificates": "self-managed", "namespace": "system", "name": "policy", "service": "policy-injector"}


@pytest.fixture
def stack() -> Generator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "injector.yaml").write_text(CONFIG)
    return tmp_path / "injector.yaml"


def prepared(stack: ExitStack, config: Path, **flags: Any) -> Prepared:
    return prepare(load_as(InjectorSettings, {**PORTS, "config": config, **flags}), stack, SystemClock())


def test_parts_of_files(stack: ExitStack, config: Path, tmp_path: Path) -> None:
    authority = write_pair(tmp_path)
    parts = prepared(stack, config, certificate_dir=tmp_path)
    assert parts.config.value == InjectorConfig.parse(CONFIG)
    assert parts.certificates.registry_ca == authority.decode()
    assert 0 not in {parts.webhooks.getsockname()[1], parts.admin.getsockname()[1]}


def test_every_problem_is_told_at_once(stack: ExitStack, config: Path, tmp_path: Path) -> None:
    config.write_text("sidecar_image: x\nengine: opaque\nadmin: 1\nsettings: {consent: 'off'}\n")
    port = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
    with pytest.raises(StartProblems) as found:
        prepared(stack, config, certificate_dir=tmp_path, listen=f"127.0.0.1:{port}")
    told = [problem.split(": ")[0] for problem in found.value.problems]
    assert told == ["--config", "--config", f"--listen 127.0.0.1:{port}", "--certificate-dir"]


def test_own_certificates_are_made_only_where_all_else_is_well(
    stack: ExitStack, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApiServer() as server:
        path = server.write_kubeconfig(tmp_path / "kubeconfig")
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        for secret in ("policy-ca", "policy-injector-tls", "policy-registry-tls"):
            server.secret(secret, {})
        with pytest.raises(StartProblems):
            prepared(stack, config, **OWN, listen="192.0.2.1:1")
        assert server.requests == []
        parts = prepared(stack, config, **OWN)
    assert parts.certificates.problems == [
        "MutatingWebhookConfiguration policy: 404; the chart makes it: is the release's name right?"
    ]
    assert parts.certificates.ends_unix_s["injector"] > datetime.now(UTC).timestamp()
    written = [path.removeprefix(SECRETS) for method, path in server.requests if method == "PUT"]
    assert written == ["policy-ca", "policy-injector-tls"]  # no registry was named
    assert [path for _, path in server.requests if path.startswith(ADMISSION)] != []


def test_secrets_that_the_chart_did_not_make_are_a_problem(
    stack: ExitStack, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApiServer() as server:
        path = server.write_kubeconfig(tmp_path / "kubeconfig")
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        with pytest.raises(StartProblems, match=r"^--certificates self-managed: Secret system/policy-ca: 404; "):
            prepared(stack, config, **OWN)
