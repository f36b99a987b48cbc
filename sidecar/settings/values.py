"""Types of settings: how a word of the command line, a variable or a file becomes a value."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import BeforeValidator, Field, PlainSerializer

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def duration_text(duration_s: float | None) -> str:
    """A duration as one would write it: 2592000.0 is `30d`, None is `none`."""
    if duration_s is None:
        return "none"
    unit = next(unit for unit in reversed(_UNITS_S) if duration_s % _UNITS_S[unit] == 0 or unit == "s")
    return f"{duration_s / _UNITS_S[unit]:g}{unit}"


def parse_durations_s(value: object) -> object:
    """`15m,24h` in seconds; a list in a file may hold the same words."""
    parts = parse_names(value)
    return tuple(map(parse_duration_s, cast("Sequence[object]", parts))) if isinstance(parts, list | tuple) else parts


def parse_names(value: object) -> object:
    """`RS256,ES256`; a list in a file stays one."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


AddressField = Annotated[Address, BeforeValidator(parse_address), PlainSerializer(str)]
Names = Annotated[tuple[str, ...], BeforeValidator(parse_names)]
"""A list of words; in a flag or variable separated by commas."""
PortNumbers = Annotated[tuple[Annotated[int, Field(ge=1, le=65_535)], ...], BeforeValidator(parse_names)]
"""TCP ports; in a flag or variable separated by commas."""


TARGET = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?/?|unix://(?P<path>/?[^\s]+)"
)
"""What `http1.Target` takes, and no more: no user, no query, no fragment."""
Durations = Annotated[tuple[float, ...], BeforeValidator(parse_durations_s)]
"""Several durations; in a flag or variable separated by commas."""
