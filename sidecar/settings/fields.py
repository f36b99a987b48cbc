"""The settings themselves.

Each field is a flag (`--policy-timeout-ms`), a key of the YAML file (`policy_timeout_ms`) and a variable
(`SIDECAR_POLICY_TIMEOUT_MS`); flag over variable over file over default. `description` is the text of `--help` and of
docs/settings.md. What pydantic does not check by type and bound stands in `checks.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from sidecar.settings.checks import SERVER_KINDS, Checks
from sidecar.settings.probes import Probes  # noqa: TC001 - pydantic looks it up at run time
from sidecar.settings.values import Address, AddressField, Durations, Names, PortNumbers, parse_duration_s


class Settings(Checks):
    """All settings, checked. Frozen: a change means a restart, except for policy, data and key files."""

    model_config = SettingsConfigDict(env_prefix="SIDECAR_")
    variables_of_others = "CACHE|REGISTRY_.*|INJECTOR_.*"  # the scripts' cache folder, other processes' settings

    # The model server
    upstream: str = Field(description="The model server: http://HOST:PORT, https://… or unix://PATH")
    server: str = Field(description="Its kind, which says what endpoints exist: " + ", ".join(SERVER_KINDS))
    upstream_timeout_s: float = Field(
        default=30.0,
        gt=0,
        le=3_600,
        description="How long the model server may take for a whole answer, and between the parts of a streamed one",
    )
    stream_timeout_s: float = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="How long a streamed answer may take in all",
    )
    upstream_connections: int = Field(
        default=64,
        ge=1,
        le=4_096,
        description="Most connections to the model server; more calls wait in line",
    )
    default_model: str | None = Field(
        default=None, description="The model that endpoints mean whose path and body name none, such as /invocations"
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
    keep_alive_time: Annotated[float | None, BeforeValidator(parse_duration_s)] = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="How old a client's connection may grow: it is closed after the answer in hand (e.g. 5s, none)",
    )

    # The pod around it
    self_check: Literal["off", "strict", "warn"] = Field(
        default="off",
        description="Whether to try if the model server can be reached past the sidecar; strict: unready while it can",
    )
    self_check_host: str | None = Field(
        default=None, description="The address that others reach this machine by: in a pod its own (status.podIP)"
    )
    self_check_ports: PortNumbers = Field(
        default=(),
        description="The model server's ports, 16 at most; those that the sidecar itself listens on there are left out",
    )
    probes: Probes = Field(
        default={},
        description="Probes of the model server, on 127.0.0.1, that the admin port performs at /app-health/NAME: "
        '{"CONTAINER/liveness": {"http": {"port": 8080, "path": "/ping"}}, "CONTAINER/startup": {"tcp": …}}',
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
    workers: int = Field(default=1, ge=1, description="Worker processes; more than one needs a shared store")

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
