"""Settings of what stands around the sidecar: the model server, the ports, the pod. See `fields.py`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic looks it up at run time
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sidecar.settings.checks import SERVER_KINDS, Checks
from sidecar.settings.probes import Probes  # noqa: TC001 - pydantic looks it up at run time
from sidecar.settings.values import Address, AddressField, PortNumbers, parse_duration_s


class Surroundings(Checks):
    """The first fields of `Settings`."""

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
