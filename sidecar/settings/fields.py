"""The settings themselves.

Each field is a flag (`--policy-timeout-ms`), a key of the YAML file (`policy_timeout_ms`) and a variable
(`SIDECAR_POLICY_TIMEOUT_MS`); flag over variable over file over default. `description` is the text of `--help` and of
docs/settings.md. What pydantic does not check by type and bound stands in `checks.py`; the first of them, in
`surroundings.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from sidecar.settings.surroundings import Surroundings
from sidecar.settings.values import Durations, Names, parse_duration_s


class Settings(Surroundings):
    """All settings, checked. Frozen: a change means a restart, except for policy, data and key files."""

    model_config = SettingsConfigDict(env_prefix="SIDECAR_")
    variables_of_others = "CACHE|REGISTRY_.*|INJECTOR_.*"  # the scripts' cache folder, other processes' settings

    # Policy
    engine: Literal["auto", "opa", "embedded"] = Field(
        default="auto", description="auto: opa where --opa is given or a binary is found, else embedded"
    )
    bundles: Path | None = Field(
        default=None,
        description="Signed bundles for --engine embedded: a file of OPA's with services, keys and bundles",
    )
    cross_check_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of decisions from --bundles that is also asked of --opa, to be told where the two differ",
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
    window_store: str = Field(
        default="memory",
        description="Where fairness windows live: memory (of this replica alone), or a Redis that replicas share: "
        "rediss://[USER:PASSWORD@]HOST:PORT/DB, unix://PATH, or redis://… on loopback",
    )
    window_spans: Durations = Field(
        default=(900.0, 86_400.0),
        description="How far back windows look; rules are shown the longest",
    )
    window_epoch: Annotated[float, BeforeValidator(parse_duration_s)] = Field(
        default=86_400.0,
        ge=60,
        le=7 * 86_400,
        allow_inf_nan=False,
        description="How long one test for disparate impact runs before a fresh one starts (e.g. 1h, 1d)",
    )
    window_alpha: float = Field(
        default=0.01,
        ge=1e-6,
        le=0.05,
        description="How likely a test of a model that keeps its limit may trigger within an epoch",
    )

    # Audit and telemetry
    audit_dir: Path = Field(default=Path("audit"), description="Folder of the durable log")
    audit_key: Path | None = Field(
        default=None,
        description="Key that signs the log's checkpoints (Ed25519, PKCS#8 PEM); without it AUDIT-DIR.key, "
        "made on first use",
    )
    audit_delivery: Literal["required", "best_effort"] = Field(
        default="required",
        description="required: nothing happens before it is durably on record; best_effort: nothing waits for the "
        "record, and what cannot be recorded is dropped and counted",
    )
    audit_segment: int = Field(
        default=64 << 20,
        ge=1 << 20,
        le=1 << 30,
        description="Bytes of one file of the log, of which two are reserved on the disk: 64 KiB at least for each of "
        "--max-in-flight, and for 16 more",
    )
    audit_rotate: Annotated[float, BeforeValidator(parse_duration_s)] = Field(
        default=3_600.0,
        gt=0,
        allow_inf_nan=False,
        description="How long a file of the log is written to before it is closed, and so archived (e.g. 5m, 1h)",
    )
    audit_keep: Annotated[float, BeforeValidator(parse_duration_s)] = Field(
        default=30 * 86_400.0,
        gt=0,
        allow_inf_nan=False,
        description="How long records are kept here (e.g. 12h, 30d), at least until they are shipped",
    )
    audit_keep_bytes: int = Field(
        default=8 << 30,
        ge=1 << 20,
        description="How many bytes of records are kept here, but for those not yet shipped",
    )
    audit_archive: str | None = Field(
        default=None,
        description="Where closed files of the log and checkpoints are copied to: a folder, or a URL such as s3://…",
    )
    subject_key: Path | None = Field(
        default=None,
        description="Key of subjects' pseudonyms; DIR.subject-key, made on first use, unless given",
    )
    otlp: str | None = Field(
        default=None, description="OTLP/HTTP endpoint (base URL) for spans and log records; none: neither"
    )
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
    max_instances: int = Field(
        default=256,
        ge=1,
        le=256,
        description="Most instances in one request; 256 and their groups and scores fit into a record",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Worker processes, under one supervisor: they share port, windows, throttles, limits and OPA; each "
        "has a log of its own",
    )

    @property
    def consent_required(self) -> bool:
        """Whether tokens are verified at all."""
        return self.consent == "on"

    @property
    def audit_key_file(self) -> Path:
        """The file of `--audit-key`, or its default beside the audit folder."""
        return self.audit_key or self.audit_dir.with_name(self.audit_dir.name + ".key")

    @property
    def audit_public_file(self) -> Path:
        """Where the public keys of the log are listed: always beside the audit folder."""
        return self.audit_dir.with_name(self.audit_dir.name + ".pub")

    @property
    def subject_key_file(self) -> Path:
        """The file of `--subject-key`, or its default beside the audit folder."""
        return self.subject_key or self.audit_dir.with_name(self.audit_dir.name + ".subject-key")
