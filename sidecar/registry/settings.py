"""Every setting of `sidecar registry serve`: meaning, unit, default.

Each field is a flag (`--token-life`), a key of the YAML file (`token_life`) and a variable
(`SIDECAR_REGISTRY_TOKEN_LIFE`); flag over variable over file over default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from sidecar.settings import SettingsInvalid
from sidecar.settings.values import Address, AddressField, parse_duration_s

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "SIDECAR_REGISTRY_"
_OF_CLIENTS = frozenset({"SIDECAR_REGISTRY_TOKEN", "SIDECAR_REGISTRY_URL"})
"""Variables of the verbs that talk to a registry."""
DATABASE = "sqlite:///registry.db"
WAITERS_LIMIT = 100_000


class RegistrySettings(BaseSettings):
    """All settings, checked. Frozen: a change means a restart, except for tokens and key sets."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True, enable_decoding=False
    )

    database: str = Field(
        default=DATABASE, description="sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME, which several may share"
    )
    listen: AddressField = Field(default=Address("127.0.0.1", 8095), description="HOST:PORT; port 0 picks one")
    tls_cert: Path | None = Field(default=None, description="Certificate chain (PEM); required off loopback")
    tls_key: Path | None = Field(default=None, description="Its private key (PEM)")
    tokens: Path | None = Field(
        default=None, description="Who may do what, by the SHA-256 of their tokens: `sidecar registry token` makes it"
    )
    token_keys: str | None = Field(
        default=None, description="Key set (JWKS) of an identity provider's tokens: file or https:// URL"
    )
    token_issuer: str | None = Field(default=None, description="Those tokens' `iss`, exactly")
    token_audience: str | None = Field(default=None, description="A value of their `aud`")
    open_reads: bool = Field(default=False, description="true: everybody may read everything, without a token")
    signing_key: Path | None = Field(
        default=None,
        description="Key that signs data and revocations (P-256 or RSA, PEM); without it one beside the SQLite file, "
        "made on first use",
    )
    policy_key: Path | None = Field(
        default=None, description="Public key (PEM) of who signs policies; without it none can be published"
    )
    subject_key: Path | None = Field(
        default=None, description="The sidecars' key for pseudonyms: revocations may then name people and tokens"
    )
    token_life: Annotated[float, BeforeValidator(parse_duration_s)] = Field(
        default=90 * 86_400.0,
        gt=0,
        le=3_660 * 86_400.0,
        allow_inf_nan=False,
        description="How long a consent token can live at most, and so how long a revocation is kept",
    )
    waiters: int = Field(
        default=4_096, ge=1, le=WAITERS_LIMIT, description="How many engines' requests may wait for a change at once"
    )

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database."""
        url = make_url(self.database)
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    @property
    def database_name(self) -> str:
        """Its URL, without the password."""
        return make_url(self.database).render_as_string(hide_password=True)

    @property
    def signing_key_file(self) -> Path | None:
        """The file of `--signing-key`, or its default beside the database."""
        file = self.database_file
        return self.signing_key or (file.with_name(file.name + ".key.pem") if file else None)

    @field_validator("database")
    @classmethod
    def _is_database(cls, value: str) -> str:
        try:
            make_url(value)
        except ArgumentError:  # its text would quote the password
            raise ValueError("is no URL of a database: give sqlite:///FILE or postgresql://…") from None
        return value

    @field_validator("tls_key")
    @classmethod
    def _is_tls_pair(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if (value is None) != (info.data.get("tls_cert") is None):
            raise ValueError("--tls-cert and --tls-key come together")
        return value

    @field_validator("tls_cert")
    @classmethod
    def _is_on_loopback(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        listen = info.data.get("listen")
        if value is None and isinstance(listen, Address) and not listen.is_loopback:
            raise ValueError(f"tokens would cross a network in the clear: give --tls-cert for --listen {listen}")
        return value

    @field_validator("token_issuer", "token_audience")
    @classmethod
    def _is_with_keys(cls, value: str | None, info: ValidationInfo) -> str | None:
        if (value is None) != (info.data.get("token_keys") is None):
            raise ValueError("--token-keys, --token-issuer and --token-audience come together")
        return value

    @field_validator("open_reads", mode="before")
    @classmethod
    def _is_switch(cls, value: object) -> object:
        return {"true": True, "false": False}.get(str(value).lower(), value)

    @field_validator("open_reads")
    @classmethod
    def _is_of_use(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and info.data.get("tokens") is None and info.data.get("token_keys") is None:
            raise ValueError("nobody could use it: give --tokens FILE, which `sidecar registry token` makes")
        return value

    @field_validator("signing_key")
    @classmethod
    def _is_shared(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None and not str(info.data.get("database", "sqlite")).startswith("sqlite"):
            raise ValueError("is required with PostgreSQL: every registry on it must sign with the same key")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flag over variable over file over default; no `.env` file, no secrets folder."""
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def load(flags: Mapping[str, Any], config: Path | None = None) -> RegistrySettings:
    """Settings from flags, variables and a YAML file. Raises `SettingsInvalid` with every problem."""
    problems = _unreadable(config) if config is not None else []
    if problems:
        raise SettingsInvalid(problems)

    class _WithFile(RegistrySettings):
        model_config = SettingsConfigDict(yaml_file=config)

    problems = _unknown_variables(os.environ)
    try:
        settings = _WithFile(**flags)
    except ValidationError as error:
        problems += [_text(detail) for detail in error.errors(include_url=False, include_input=False)]
    else:
        if not problems:
            return settings
    raise SettingsInvalid(problems)


def _unreadable(config: Path) -> list[str]:
    try:
        content: object = yaml.safe_load(config.read_bytes())
    except OSError as error:
        return [f"--config: {config}: {error.strerror}"]
    except yaml.YAMLError as error:
        return [f"--config: {config} is not YAML: {' '.join(str(error).split())}"]
    return [] if content is None or isinstance(content, dict) else [f"--config: {config} holds no settings"]


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    known = {PREFIX + name.upper() for name in RegistrySettings.model_fields} | _OF_CLIENTS
    return [f"{name}: is no setting" for name in sorted(environ) if name.startswith(PREFIX) and name not in known]


def _text(detail: Mapping[str, Any]) -> str:
    flag = "--" + ".".join(str(part) for part in detail["loc"]).replace("_", "-")
    text = "is no setting" if detail["type"] == "extra_forbidden" else str(detail["msg"]).removeprefix("Value error, ")
    return text if text.startswith("--") else f"{flag}: {text}"
