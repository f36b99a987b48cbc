from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.settings import SettingsInvalid, load

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = {"upstream": "http://127.0.0.1:8080", "server": "mlserver", "consent": "off"}


def problems(**flags: object) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load(flags)
    return caught.value.problems


def test_flag_over_variable_over_file_over_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sidecar.yaml"
    file.write_text("policy_timeout_ms: 100\nmode: shadow\nbody_limit: 1000\n")
    monkeypatch.setenv("SIDECAR_POLICY_TIMEOUT_MS", "200")
    monkeypatch.setenv("SIDECAR_MODE", "enforce")
    settings = load({**NEEDED, "policy_timeout_ms": "300"}, file)
    assert (settings.policy_timeout_ms, settings.mode, settings.body_limit) == (300, "enforce", 1_000)
    assert settings.max_connections == 1_024


def test_all_problems_come_at_once() -> None:
    found = problems(
        server="bentoml",
        listen="nowhere",
        workers="65",
        window_store="redis://x",
        policy_max_age="soon",
        foo="1",
    )
    assert found == [
        "--upstream: is required",
        "--server: 'bentoml' is none of triton, torchserve, kserve, mlserver, tfserving, openai",
        "--listen: 'nowhere' is not HOST:PORT",
        "--policy-max-age: 'soon' is not a duration such as 90s, 15m, 1h or none",
        "--consent-keys is required; or --consent off where no model's rules need consent",
        "--consent-issuer is required; or --consent off where no model's rules need consent",
        "--consent-audience is required; or --consent off where no model's rules need consent",
        "--window-store: redis:// is for loopback only; use rediss://",
        "--workers: Input should be less than or equal to 64",
        "--foo: is no setting",
    ]


def test_unknown_variables_are_refused_but_not_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = ("CACHE", "REGISTRY_TOKEN", "REGISTRY_TOKEN_LIFE")
    service = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8090_TCP", "PORT_8090_TCP_ADDR")
    others = ("REGISTRY_PORT", "REGISTRY_SERVICE_HOST", "REGISTRY_PORT_8095_TCP", "CREDIT_SERVICE_HOST", "CREDIT_PORT")
    for name in (*ours, *service, *others, "TIMOUT", "PORTS"):
        monkeypatch.setenv(f"SIDECAR_{name}", "1")
    assert problems(**NEEDED) == ["SIDECAR_PORTS: is no setting", "SIDECAR_TIMOUT: is no setting"]


def test_unknown_keys_of_the_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "sidecar.yaml"
    file.write_text("listn: 127.0.0.1:1\n")
    with pytest.raises(SettingsInvalid) as caught:
        load(NEEDED, file)
    assert caught.value.problems == ["--listn: is no setting"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "is not YAML"),
        ("- 3", "holds no settings: write one `name: value` a line"),
        ("max-instances: 4", "--max-instances: is no setting in a file; write max_instances"),
        ("listen: 9", "--listen: 9 is not HOST:PORT"),
    ],
)
def test_a_file_that_is_no_settings_is_told_in_a_line(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "sidecar.yaml"
    file.write_text(text)
    with pytest.raises(SettingsInvalid) as caught:
        load(NEEDED, file)
    (found,) = caught.value.problems
    assert problem in found
    assert "\n" not in found
