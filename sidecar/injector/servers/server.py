"""The form of what is known of a kind of model server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from sidecar.injector.servers.command import Command

ProbeKind = Literal["liveness", "readiness", "startup"]
LOOPBACK = "127.0.0.1"
GRPC_OFF = "its gRPC endpoint is off until gRPC is judged"


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a guarded model listens: on loopback, or where that cannot be told to it, on every address."""

    public: int
    """The port that clients know; the sidecar's now."""
    upstream: int
    """The model's: the same, unless it listens on every address."""
    spare: int
    """A port that nobody in the pod has, for management."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What makes a server listen where `Doors` say, and nowhere else."""

    args: tuple[str, ...] = ()
    """Flags behind those that it has; in each of these servers the last one of a name counts."""
    variables: tuple[tuple[str, str], ...] = ()
    """Of its environment: these instead of any of the same name."""
    config_file: ConfigFile | None = None
    explained: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file to be written anew before the server starts: what it has, then these lines."""

    path: str
    required: bool
    """Whether the server would fail without it, so that its absence is told rather than passed over."""
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of model server."""

    kind: str
    image: re.Pattern[str]
    """Found in the image's name, without registry and tag."""
    program: re.Pattern[str]
    """The whole of a word of its command line, without folders."""
    http_port: int
    other_ports: tuple[int, ...]
    """gRPC's, management's and such, where nothing else is said: closed, and looked at by the self-check."""
    on_loopback: bool
    """Whether it can be told to listen on loopback only."""
    health: dict[ProbeKind, str] | None
    """Where it tells over HTTP how it is; None: by taking connections."""
    bind: Callable[[Command, Doors], Binding]
    port_flags: tuple[str, ...] = ()
    port_variable: str | None = None
    metrics_flag: str | None = None
    manages: bool = False
    """Whether it takes management on a port of its own: `Doors.spare`."""
    metrics_port: int | None = None
    """A port of metrics alone, which stays open."""
    takes_args: re.Pattern[str] | None = None
    """Images whose entry point is the server, so that flags may follow where the pod gives neither command nor args."""


def moved(server: str, doors: Doors) -> str:
    """Explains what becomes of a server that cannot be told to listen on loopback only."""
    return (
        f"{server} listens on every address: it is moved to port {doors.upstream}, which a NetworkPolicy has to close; "
        f"{GRPC_OFF}"
    )


def tls_problem(*flags: str) -> str:
    """Why a model that speaks TLS cannot be guarded; `flags`: by which it was told to."""
    return (
        f"the model speaks TLS, which the sidecar beside it does not take; remove {' and '.join(flags)}, "
        "and let the operator set the sidecar's tls_cert and tls_key"
    )
