from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.settings import Address, Settings, SettingsInvalid, load

NEEDED = {"upstream": "http://127.0.0.1:8080", "server": "mlserver", "consent": "off"}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("SIDECAR_"):
            monkeypatch.delenv(name)


def problems(**flags: object) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load(flags)
    return caught.value.problems


def test_the_defaults_are_those_of_the_contract() -> None:
    assert dict(load(NEEDED)) == {
        "upstream": "http://127.0.0.1:8080",
        "server": "mlserver",
        "upstream_timeout_s": 30.0,
        "upstream_connections": 64,
        "metadata": "deny",
        "listen": Address("127.0.0.1", 8090),
        "tls_cert": None,
        "tls_key": None,
        "tls_client_ca": None,
        "admin": Address("127.0.0.1", 8091),
        "control": None,
        "engine": "auto",
        "opa": None,
        "policy": None,
        "data": None,
        "policy_timeout_ms": 250,
        "policy_max_age": 3_600.0,
        "mode": "enforce",
        "consent": "off",
        "consent_keys": None,
        "consent_issuer": None,
        "consent_audience": None,
        "consent_leeway_s": 30.0,
        "consent_algorithms": ("RS256", "ES256", "EdDSA"),
        "window_store": "memory",
        "audit_dir": Path("audit"),
        "audit_key": None,
        "subject_key": None,
        "otlp": None,
        "input_headers": (),
        "body_limit": 8_388_608,
        "body_budget": 268_435_456,
        "max_connections": 1_024,
        "max_in_flight": 512,
        "max_instances": 256,
        "workers": 1,
    }


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
        workers="2",
        window_store="redis://x",
        policy_max_age="soon",
        foo="1",
    )
    assert found == [
        "--upstream: is required",
        "--server: 'bentoml' is none of triton, torchserve, kserve, mlserver",
        "--listen: 'nowhere' is not HOST:PORT",
        "--policy-max-age: 'soon' is not a duration such as 90s, 15m, 1h or none",
        "--consent-keys is required; or --consent off where no model's rules need consent",
        "--consent-issuer is required; or --consent off where no model's rules need consent",
        "--consent-audience is required; or --consent off where no model's rules need consent",
        "--window-store: this version keeps windows in memory only",
        "--workers: more than one worker needs a shared window store, which this version lacks",
        "--foo: is no setting",
    ]


def test_unknown_variables_are_refused_but_not_those_of_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIDECAR_SERVICE_HOST", "SIDECAR_PORT_8090_TCP_ADDR", "SIDECAR_CACHE", "SIDECAR_TIMOUT"):
        monkeypatch.setenv(name, "1")
    assert problems(**NEEDED) == ["SIDECAR_TIMOUT: is no setting"]


def test_unknown_keys_of_the_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "sidecar.yaml"
    file.write_text("listn: 127.0.0.1:1\n")
    with pytest.raises(SettingsInvalid) as caught:
        load(NEEDED, file)
    assert caught.value.problems == ["--listn: is no setting"]


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (
            {"opa": "http://10.0.0.1:8181"},
            "--opa over plain http is for loopback only; use https:// or unix://",
        ),
        (
            {"opa": "unix:///run/opa.sock", "engine": "embedded"},
            "--opa and --engine embedded exclude each other",
        ),
        (
            {"opa": "unix:///run/opa.sock", "data": "x.json"},
            "--data: a running OPA (--opa) has policy and data of its own; give them to it instead",
        ),
        (
            {"tls_client_ca": "ca.pem"},
            "--tls-client-ca: without --tls-cert there is no TLS to ask clients for certificates in",
        ),
        (
            {"upstream": "http://u:p@h:1"},
            "--upstream: 'http://u:p@h:1' is none of http://HOST:PORT, https://HOST:PORT, unix://PATH",
        ),
        ({"policy_max_age": "0"}, "--policy-max-age: Input should be greater than 0"),
        ({"otlp": "nope"}, "--otlp: 'nope' is not an http:// or https:// URL"),
        ({"consent_keys": "/nowhere.jwks"}, "--consent-keys: /nowhere.jwks does not exist"),
        ({"data": "/nowhere.json"}, "--data: /nowhere.json does not exist"),
        ({"tls_key": "x.pem"}, "--tls-cert and --tls-key come together"),
        (
            {"server": "openai"},
            "--server: openai is not served by this version; it knows triton, torchserve, kserve, mlserver",
        ),
        (
            {"upstream": "ftp://x"},
            "--upstream: 'ftp://x' is none of http://HOST:PORT, https://HOST:PORT, unix://PATH",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_remedy(flags: dict[str, str], problem: str) -> None:
    assert problems(**{**NEEDED, **flags}) == [problem]


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


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0), True),
        ("[::1]:80", Address("::1", 80), True),
        ("localhost:8090", Address("localhost", 8_090), True),
        ("0.0.0.0:8090", Address("0.0.0.0", 8_090), False),
    ],
)
def test_addresses(text: str, address: Address, loopback: bool) -> None:
    listen = load({**NEEDED, "listen": text}).listen
    assert (listen, listen.is_loopback, str(listen)) == (address, loopback, text)
