"""Every setting of `sidecar registry serve`: meaning, unit, default.

Each field is a flag (`--token-life`), a key of the YAML file (`token_life`) and a variable
(`SIDECAR_REGISTRY_TOKEN_LIFE`); flag over variable over file over default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from sidecar.settings import Sourced
from sidecar.settings.values import Address, AddressField, parse_duration_s

DATABASE = "sqlite:///registry.db"
WAITERS_LIMIT = 100_000


class RegistrySettings(Sourced):
    """All settings, checked. Frozen: a change means a restart, except for tokens and key sets."""

    model_config = SettingsConfigDict(env_prefix="SIDECAR_REGISTRY_")
    variables_of_others = "TOKEN|URL"  # of the verbs that talk to a registry

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
