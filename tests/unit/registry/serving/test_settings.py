from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidecar.registry.serving.settings import RegistrySettings
from sidecar.settings import Address, SettingsInvalid, load_as

GOOD = {"tokens": "tokens.yaml"}
POSTGRES = "postgresql://registry:secret@db/registry"


def load(flags: dict[str, Any], config: Path | None = None) -> RegistrySettings:
    return load_as(RegistrySettings, flags, config)


def problems(flags: dict[str, Any], config: Path | None = None) -> list[str]:
    with pytest.raises(SettingsInvalid) as refused:
        load(flags, config)
    return refused.value.problems


def test_defaults() -> None:
    assert dict(load(GOOD)) == {
        "database": "sqlite:///registry.db",
        "listen": Address("127.0.0.1", 8095),
        "tls_cert": None,
        "tls_key": None,
        "tokens": Path("tokens.yaml"),
        "token_keys": None,
        "token_issuer": None,
        "token_audience": None,
        "open_reads": False,
        "signing_key": None,
        "policy_key": None,
        "subject_key": None,
        "token_life": 90 * 86_400.0,
        "waiters": 4_096,
    }


def test_flag_over_variable_over_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text("tokens: file.yaml\ntoken_life: 1d\nwaiters: 7\nopen_reads: true\n")
    monkeypatch.setenv("SIDECAR_REGISTRY_TOKEN_LIFE", "2d")
    monkeypatch.setenv("SIDECAR_REGISTRY_WAITERS", "8")
    settings = load({"waiters": "9"}, file)
    assert (settings.tokens, settings.token_life, settings.waiters) == (Path("file.yaml"), 2 * 86_400.0, 9)
    assert settings.open_reads


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_REGISTRY_COLOUR", "red")
    for name in ("TOKEN", "URL", "PORT", "SERVICE_HOST", "SERVICE_PORT_API", "PORT_8095_TCP", "PORT_8095_TCP_ADDR"):
        monkeypatch.setenv(f"SIDECAR_REGISTRY_{name}", "of clients, or of Kubernetes beside a Service sidecar-registry")
    flags = {"listen": "nowhere", "waiters": "0", "token_life": "never", "token_keys": "k.json", "database": "x"}
    assert problems(flags | {"tls_key": "k.pem"}) == [
        "SIDECAR_REGISTRY_COLOUR: is no setting",
        "--database: is no URL of a database: give sqlite:///FILE or postgresql://…",
        "--listen: 'nowhere' is not HOST:PORT",
        "--tls-cert and --tls-key come together",
        "--token-keys, --token-issuer and --token-audience come together",
        "--token-keys, --token-issuer and --token-audience come together",
        "--token-life: 'never' is not a duration such as 90s, 15m, 1h or none",
        "--waiters: Input should be greater than or equal to 1",
    ]


def test_somebody_must_be_able_to_use_it() -> None:
    assert problems({}) == [
        "--open-reads: nobody could use it: give --tokens FILE, which `sidecar registry token` makes"
    ]
    assert load({"open_reads": "true"}).tokens is None


def test_tokens_do_not_cross_a_network_in_the_clear() -> None:
    told = "--tls-cert: tokens would cross a network in the clear: give --tls-cert for --listen 0.0.0.0:8095"
    assert problems(GOOD | {"listen": "0.0.0.0:8095"}) == [told]
    assert load(GOOD | {"listen": "0.0.0.0:8095", "tls_cert": "c.pem", "tls_key": "k.pem"}).tls_key == Path("k.pem")


def test_registries_that_share_a_database_share_a_key() -> None:
    told = "--signing-key: is required with PostgreSQL: every registry on it must sign with the same key"
    assert problems(GOOD | {"database": POSTGRES}) == [told]
    settings = load(GOOD | {"database": POSTGRES, "signing_key": "k.pem"})
    assert (settings.database_file, settings.signing_key_file) == (None, Path("k.pem"))
    assert settings.database_name == "postgresql://registry:***@db/registry"


def test_an_sqlite_file_has_its_key_beside_it() -> None:
    settings = load(GOOD | {"database": "sqlite:////var/lib/registry.db"})
    assert settings.database_file == Path("/var/lib/registry.db")
    assert settings.signing_key_file == Path("/var/lib/registry.db.key.pem")


@pytest.mark.parametrize("text", ["[1]", "tokens: [", "colour: red\ntokens: t"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text(text)
    assert len(problems({}, file)) == 1
    assert problems({}, tmp_path / "none.yaml")[0].endswith("No such file or directory")
