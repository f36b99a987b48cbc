from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidecar.injector.serving.settings import InjectorSettings
from sidecar.settings import Address, SettingsInvalid, load_as

FILES = {"config": "injector.yaml", "certificate_dir": "/tls"}
OWN = {"config": "injector.yaml", "certificates": "self-managed", "namespace": "ns", "name": "n", "service": "s"}


def problems(**flags: Any) -> list[str]:
    try:
        load_as(InjectorSettings, flags)
    except SettingsInvalid as invalid:
        return invalid.problems
    return []


def test_defaults() -> None:
    assert dict(load_as(InjectorSettings, FILES)) == {
        "config": Path("injector.yaml"),
        "listen": Address("127.0.0.1", 9443),
        "admin": Address("127.0.0.1", 9081),
        "certificates": "files",
        "certificate_dir": Path("/tls"),
        "namespace": None,
        "name": None,
        "service": None,
        "registry_service": None,
    }


def test_variables_are_settings_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_INJECTOR_CERTIFICATE_DIR", "/elsewhere")
    monkeypatch.setenv("SIDECAR_INJECTOR_SERVICE_HOST", "10.0.0.1")  # Kubernetes' own
    assert load_as(InjectorSettings, {"config": "x"}).certificate_dir == Path("/elsewhere")
    monkeypatch.setenv("SIDECAR_INJECTOR_PORTS", "1")
    assert problems(**FILES) == ["SIDECAR_INJECTOR_PORTS: is no setting"]


@pytest.mark.parametrize("flags", [FILES, OWN, {**OWN, "registry_service": "r"}])
def test_each_way_of_certificates_has_what_it_needs(flags: dict[str, str]) -> None:
    assert problems(**flags) == []


def test_every_problem_is_told_at_once() -> None:
    assert problems(certificates="own", listen="x") == [
        "--config: is required",
        "--listen: 'x' is not HOST:PORT",
        "--certificates: Input should be 'files' or 'self-managed'",
    ]
    assert problems(config="x", certificates="self-managed") == [
        f"--{name}: is required with --certificates self-managed" for name in ("namespace", "name", "service")
    ]


def test_what_is_for_the_other_way_is_refused() -> None:
    assert problems(**FILES, namespace="n", registry_service="r") == [
        "--namespace: is for --certificates self-managed",
        "--registry-service: is for --certificates self-managed",
    ]
    assert problems(**OWN, certificate_dir="/x") == ["--certificate-dir: is for --certificates files"]
