"""Every setting of `sidecar run`, in one place: meaning, unit, default and why, what None means.

Each field is a flag (`--policy-timeout-ms`), a key of the YAML file (`policy_timeout_ms`) and a variable
(`SIDECAR_POLICY_TIMEOUT_MS`); flag over variable over file over default. Unknown keys are refused, and all
problems are reported at once. `description` is the text of `--help` and of docs/settings.md.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVER_KINDS = ("triton", "torchserve", "kserve", "mlserver")
"""The contract's `tfserving` and `openai` come with a later version and are refused until then."""


SECRET_HEADERS = frozenset({"x-consent-token", "authorization", "proxy-authorization", "cookie"})


@dataclass(frozen=True, slots=True)
class Address:
    """`HOST:PORT`; port 0 lets the system pick one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine (in a pod: only its containers) can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(value: object) -> object:
    """`127.0.0.1:8090`, `[::1]:8090`, `localhost:0`."""
    if isinstance(value, Address):
        return value
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})", str(value))
    if match is None or int(match[3]) > 65_535:
        raise ValueError(f"{value!r} is not HOST:PORT")
    return Address(match[1] or match[2], int(match[3]))


_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def parse_duration_s(value: object) -> object:
    """`90`, `90s`, `15m`, `1h`, `2d` in seconds; `none` is None: no limit."""
    if not isinstance(value, str):
        return value
    if value == "none":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", value)
    if match is None:
        raise ValueError(f"{value!r} is not a duration such as 90s, 15m, 1h or none")
    return float(match[1]) * _UNITS_S[match[2] or "s"]


def _parse_names(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


AddressField = Annotated[Address, BeforeValidator(parse_address)]
Names = Annotated[tuple[str, ...], BeforeValidator(_parse_names)]
"""A list of words; in a flag or variable separated by commas."""


class Settings(BaseSettings):
    """All settings, checked. Frozen: a change means a restart, except for policy, data and key files."""

    model_config = SettingsConfigDict(
        env_prefix="SIDECAR_", extra="forbid", frozen=True, validate_default=True, enable_decoding=False
    )

    # The model server
    upstream: str = Field(description="The model server: http://HOST:PORT, https://… or unix://PATH")
    server: str = Field(description="Its kind, which says what endpoints exist: " + ", ".join(SERVER_KINDS))
    upstream_timeout_s: float = Field(
        default=30.0, gt=0, le=3_600, description="How long the model server may take for a whole answer"
    )
    upstream_connections: int = Field(
        default=64,
        ge=1,
        le=4_096,
        description="Most connections to the model server; more calls wait in line",
    )
    metadata: Literal["deny", "allow"] = Field(
        default="deny", description="Whether metadata endpoints (names, shapes, versions) pass"
    )

    # The ports
    listen: AddressField = Field(
        default=Address("127.0.0.1", 8090), description="Data port as HOST:PORT; port 0 picks one"
    )
    tls_cert: Path | None = Field(default=None, description="Data port: certificate chain (PEM)")
    tls_key: Path | None = Field(default=None, description="Data port: private key (PEM)")
    tls_client_ca: Path | None = Field(
        default=None, description="Data port: ask clients for certificates of this authority (PEM)"
    )
    admin: AddressField = Field(
        default=Address("127.0.0.1", 8091),
        description="Health and metrics; on a loopback address also /status and /decisions",
    )
    control: Path | None = Field(
        default=None, description="Unix socket that serves all of the admin port, wherever --admin listens"
    )

    # Policy
    engine: Literal["auto", "opa", "embedded"] = Field(
        default="auto", description="auto: opa where --opa is given or a binary is found, else embedded"
    )
    opa: str | None = Field(
        default=None,
        description="A running OPA: unix://PATH, https://… or http:// on loopback; none: a child",
    )
    policy: Path | None = Field(
        default=None, description="Folder of Rego for a child or embedded engine; none: the shipped rules"
    )
    data: Path | None = Field(default=None, description="Policy data (JSON) for a child or embedded engine")
    policy_timeout_ms: int = Field(
        default=250, ge=1, le=60_000, description="How long one decision may take: policy_timeout beyond"
    )
    policy_max_age: Annotated[float | None, BeforeValidator(parse_duration_s)] = Field(
        default=3_600.0,
        gt=0,
        allow_inf_nan=False,
        description="How old bundles may be (1h, 15m, none): policy_too_old beyond",
    )
    mode: Literal["enforce", "shadow"] = Field(
        default="enforce",
        description="shadow: judge and record everything, refuse only what is unsafe to pass",
    )

    # Consent tokens
    consent: Literal["on", "off"] = Field(
        default="on", description="off only where every model's rule `consent` is off"
    )
    consent_keys: str | None = Field(
        default=None, description="Key set (JWKS): file or https:// URL; required unless --consent off"
    )
    consent_issuer: str | None = Field(default=None, description="The tokens' `iss`, exactly")
    consent_audience: str | None = Field(default=None, description="A value of the tokens' `aud`")
    consent_leeway_s: float = Field(
        default=30.0, ge=0, le=300, description="Clock difference to the issuer that is borne"
    )
    consent_algorithms: Names = Field(
        default=("RS256", "ES256", "EdDSA"), description="Signatures taken; HS256 only when named here"
    )

    # Fairness
    window_store: str = Field(default="memory", description="Where fairness windows live: memory")

    # Audit and telemetry
    audit_dir: Path = Field(default=Path("audit"), description="Folder of the durable log")
    audit_key: Path | None = Field(
        default=None, description="Signing key of the ledger; DIR.key unless given (unused before the ledger)"
    )
    subject_key: Path | None = Field(
        default=None,
        description="Key of subjects' pseudonyms; DIR.subject-key, made on first use, unless given",
    )
    otlp: str | None = Field(default=None, description="OTLP/HTTP endpoint for spans; none: no spans")
    input_headers: Names = Field(
        default=(), description="Request headers that the policy sees, by name, separated by commas"
    )

    # Limits
    body_limit: int = Field(
        default=8 * 1024**2, ge=1, description="Most bytes of one request's body, and of one response's"
    )
    body_budget: int = Field(
        default=256 * 1024**2, ge=1, description="Most bytes of all bodies in flight: overloaded beyond"
    )
    max_connections: int = Field(default=1_024, ge=1, description="Most client connections: overloaded beyond")
    max_in_flight: int = Field(default=512, ge=1, description="Most requests at work: overloaded beyond")
    max_instances: int = Field(default=256, ge=1, le=256, description="Most instances in one request")
    workers: int = Field(default=1, ge=1, description="Worker processes; more than one needs a shared store")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flag over variable over file. `.env` files are not read: too easy to overlook."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)

    @field_validator("upstream", "opa")
    @classmethod
    def _is_target(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        match = _TARGET.fullmatch(value)
        if match is None:
            raise ValueError(f"{value!r} is none of http://HOST:PORT, https://HOST:PORT, unix://PATH")
        host = match["host"]
        if info.field_name == "opa" and match["scheme"] == "http" and not Address(host.strip("[]"), 0).is_loopback:
            # Requirement O5: plain text only on loopback and Unix sockets; decisions could be forged on the way.
            raise ValueError("--opa over plain http is for loopback only; use https:// or unix://")
        return value

    @field_validator("server")
    @classmethod
    def _is_server_kind(cls, value: str) -> str:
        if value in ("tfserving", "openai"):
            raise ValueError(f"{value} is not served by this version; it knows {', '.join(SERVER_KINDS)}")
        if value not in SERVER_KINDS:
            raise ValueError(f"{value!r} is none of {', '.join(SERVER_KINDS)}")
        return value

    @field_validator("opa")
    @classmethod
    def _opa_fits_engine(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("engine") == "embedded":
            raise ValueError("--opa and --engine embedded exclude each other")
        return value

    @field_validator("tls_client_ca")
    @classmethod
    def _has_a_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("tls_cert") is None:
            raise ValueError("without --tls-cert there is no TLS to ask clients for certificates in")
        return value

    @field_validator("policy", "data")
    @classmethod
    def _is_ours_to_load(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("opa") is not None:
            raise ValueError("a running OPA (--opa) has policy and data of its own; give them to it instead")
        if value is not None and not value.exists():
            raise ValueError(f"{value} does not exist")
        return value

    @field_validator("tls_key")
    @classmethod
    def _is_tls_pair(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if (value is None) != (info.data.get("tls_cert") is None):
            raise ValueError("--tls-cert and --tls-key come together")
        return value

    @field_validator("consent_keys", "consent_issuer", "consent_audience")
    @classmethod
    def _is_given_with_consent(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("consent") == "on":
            flag = "--" + str(info.field_name).replace("_", "-")
            raise ValueError(f"{flag} is required; or --consent off where no model's rules need consent")
        return value

    @field_validator("consent_keys")
    @classmethod
    def _is_there(cls, value: str | None) -> str | None:
        if value is not None and "://" not in value and not Path(value).is_file():
            raise ValueError(f"{value} does not exist")
        return value

    @field_validator("otlp")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            raise ValueError(f"{value!r} is not an http:// or https:// URL")
        return value

    @field_validator("input_headers")
    @classmethod
    def _shows_no_secrets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """What the policy sees is recorded; contract 2: a token is never logged."""
        secret = [name for name in value if name.lower() in SECRET_HEADERS]
        if secret:
            raise ValueError(f"{', '.join(secret)} would end up in the audit trail")
        return value

    @field_validator("window_store")
    @classmethod
    def _is_known_store(cls, value: str) -> str:
        if value != "memory":
            raise ValueError("this version keeps windows in memory only")
        return value

    @field_validator("workers")
    @classmethod
    def _has_shared_store(cls, value: int) -> int:
        if value > 1:
            raise ValueError("more than one worker needs a shared window store, which this version lacks")
        return value

    @property
    def consent_required(self) -> bool:
        """Whether tokens are verified at all."""
        return self.consent == "on"

    @property
    def subject_key_file(self) -> Path:
        """The file of `--subject-key`, or its default beside the audit folder."""
        return self.subject_key or self.audit_dir.with_name(self.audit_dir.name + ".subject-key")


_TARGET = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?/?|unix://(?P<path>/?[^\s]+)"
)
"""What `http1.Target` takes, and no more: no user, no query, no fragment."""


class SettingsInvalid(Exception):
    """All that is wrong with the settings, at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def load(flags: Mapping[str, Any], config: Path | None = None) -> Settings:
    """Settings from flags, `SIDECAR_` variables and a YAML file. Raises SettingsInvalid."""
    problems = _unreadable(config) if config is not None else []
    if problems:
        raise SettingsInvalid(problems)

    class _WithFile(Settings):
        model_config = SettingsConfigDict(yaml_file=config)

    problems = _unknown_variables(os.environ)
    try:
        settings = _WithFile(**flags)
    except ValidationError as error:
        problems += _texts(error)
    else:
        if not problems:
            return settings
    raise SettingsInvalid(problems)


def _unreadable(config: Path) -> list[str]:
    """Why the file is no set of settings; what is wrong with single settings is found later."""
    try:
        content: object = yaml.safe_load(config.read_bytes())
    except OSError as error:
        return [f"--config: {config}: {error.strerror}"]
    except yaml.YAMLError as error:
        return [f"--config: {config} is not YAML: {' '.join(str(error).split())}"]
    if content is not None and not isinstance(content, dict):
        return [f"--config: {config} holds no settings: write one `name: value` a line"]
    return []


_NOT_SETTINGS = re.compile(r"SIDECAR_(CACHE|PORT(_.*)?|SERVICE_(HOST|PORT.*))")
"""The scripts' cache folder, and what Kubernetes sets in every pod beside a Service named `sidecar`."""


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    known = {f"SIDECAR_{name.upper()}" for name in Settings.model_fields}
    return [
        f"{name}: is no setting"
        for name in sorted(environ)
        if name.startswith("SIDECAR_") and name not in known and not _NOT_SETTINGS.fullmatch(name)
    ]


def _unknown(name: str) -> str:
    known = name.replace("-", "_")
    return f"is no setting in a file; write {known}" if known in Settings.model_fields else "is no setting"


def _texts(error: ValidationError) -> list[str]:
    problems: list[str] = []
    for detail in error.errors(include_url=False, include_input=False):
        flag = "--" + ".".join(str(part) for part in detail["loc"]).replace("_", "-")
        text = {"missing": "is required", "extra_forbidden": _unknown(str(detail["loc"][0]))}.get(
            detail["type"], detail["msg"].removeprefix("Value error, ")
        )
        problems.append(text if text.startswith("--") else f"{flag}: {text}")
    return problems
