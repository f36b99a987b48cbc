"""How a collector is to be reached, from OpenTelemetry's own environment variables.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ — those for all signals, `OTEL_EXPORTER_OTLP_…`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "OTEL_EXPORTER_OTLP_"
TIMEOUT_DEFAULT_MS = 10_000


class EnvironmentInvalid(Exception):
    """A variable that cannot be understood; the message names it."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """What the variables say. `timeout_s` is for one request; files are paths, None where not given."""

    headers: Mapping[str, str]
    is_gzip: bool
    timeout_s: float
    ca_file: str | None
    client_cert_file: str | None
    client_key_file: str | None


def read_environment(environment: Mapping[str, str]) -> Exporter:
    """The variables' meaning; an empty one counts as not set, as specified. Raises EnvironmentInvalid."""
    given = {
        name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX) and value
    }
    return Exporter(
        headers=_headers(given.get("HEADERS", "")),
        is_gzip=_is_gzip(given.get("COMPRESSION", "none")),
        timeout_s=_timeout_s(given.get("TIMEOUT", str(TIMEOUT_DEFAULT_MS))),
        ca_file=given.get("CERTIFICATE"),
        client_cert_file=given.get("CLIENT_CERTIFICATE"),
        client_key_file=given.get("CLIENT_KEY"),
    )


def _headers(value: str) -> dict[str, str]:
    """`name=value,name=value`, values percent-encoded (W3C Baggage). Never shown: they hold credentials."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in value.split(","))):
        name, is_pair, content = pair.partition("=")
        text = unquote(content.strip())
        if not is_pair or not name.strip() or not text.isprintable() or not text.isascii():
            raise EnvironmentInvalid(f"{PREFIX}HEADERS: must be name=value,name=value with percent-encoded values")
        found[name.strip().lower()] = text
    return found


def _is_gzip(value: str) -> bool:
    if value not in ("gzip", "none"):
        raise EnvironmentInvalid(f"{PREFIX}COMPRESSION={value}: must be gzip or none")
    return value == "gzip"


def _timeout_s(value: str) -> float:
    """The specification counts in milliseconds (some SDKs in seconds)."""
    if not value.isdecimal() or int(value) == 0:
        raise EnvironmentInvalid(f"{PREFIX}TIMEOUT={value}: must be a number of milliseconds above 0")
    return int(value) / 1_000
