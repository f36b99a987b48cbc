"""What settings must be beyond their types: each check is of one field, so that all problems are found in one go."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationInfo, field_validator

from sidecar.settings.sources import Sourced
from sidecar.settings.values import TARGET, Address

SERVER_KINDS = ("triton", "torchserve", "kserve", "mlserver", "tfserving", "openai")


SECRET_HEADERS = frozenset({"x-consent-token", "authorization", "proxy-authorization", "cookie"})


RECORD_ROOM_BYTES = 1 << 16
SPARE_RECORDS = 16
"""Beside the OUTCOMEs of what is at work: events and the segment's ends."""


SELF_CHECK_PORTS_LIMIT = 16
SPANS_LIMIT = 4
SPAN_LEAST_S = 60
SPAN_LIMIT_S = 7 * 86_400


class Checks(Sourced):
    """Validators of the fields of `Settings`. A field sees the values of those that stand before it."""

    @field_validator("upstream", "opa", check_fields=False)
    @classmethod
    def _is_target(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        match = TARGET.fullmatch(value)
        if match is None:
            raise ValueError(f"{value!r} is none of http://HOST:PORT, https://HOST:PORT, unix://PATH")
        host = match["host"]
        if info.field_name == "opa" and match["scheme"] == "http" and not Address(host.strip("[]"), 0).is_loopback:
            # Requirement O5: plain text only on loopback and Unix sockets; decisions could be forged on the way.
            raise ValueError("--opa over plain http is for loopback only; use https:// or unix://")
        return value

    @field_validator("server", check_fields=False)
    @classmethod
    def _is_server_kind(cls, value: str) -> str:
        if value not in SERVER_KINDS:
            raise ValueError(f"{value!r} is none of {', '.join(SERVER_KINDS)}")
        return value

    @field_validator("opa", check_fields=False)
    @classmethod
    def _opa_fits_engine(cls, value: str | None, info: ValidationInfo) -> str | None:
        share = info.data.get("cross_check_share")  # absent where it is wrong itself
        if value is None and share:
            raise ValueError("is required with --cross-check-share: the OPA that is asked, too")
        if value is not None and info.data.get("engine") == "embedded" and share == 0:
            raise ValueError("--opa and --engine embedded exclude each other, but for --cross-check-share")
        return value

    @field_validator("bundles", check_fields=False)
    @classmethod
    def _are_for_the_embedded_engine(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("engine") != "embedded":
            raise ValueError("is for --engine embedded; OPA gets bundles by itself, with this very file")
        if value is not None and not value.is_file():
            raise ValueError(f"{value} does not exist")
        return value

    @field_validator("cross_check_share", check_fields=False)
    @classmethod
    def _has_what_opa_has(cls, value: float, info: ValidationInfo) -> float:
        if value > 0 and info.data.get("bundles") is None:
            raise ValueError("needs --bundles: only of bundles two engines have the same revision")
        return value

    @field_validator("tls_client_ca", check_fields=False)
    @classmethod
    def _has_a_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("tls_cert") is None:
            raise ValueError("without --tls-cert there is no TLS to ask clients for certificates in")
        return value

    @field_validator("self_check_host", check_fields=False)
    @classmethod
    def _is_reached_by_others(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            if info.data.get("self_check", "off") != "off":
                raise ValueError("is required with --self-check: in a pod, its own address (status.podIP)")
            return None
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            raise ValueError(f"{value!r} is no IP address") from None
        if address.is_loopback or address.is_unspecified:
            raise ValueError(f"{value} is not by which others reach this machine")
        return value

    @field_validator("self_check_ports", check_fields=False)
    @classmethod
    def _are_given_with_the_check(cls, value: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        if not value and info.data.get("self_check", "off") != "off":
            raise ValueError("is required with --self-check: the ports that the model server may listen on")
        if len(set(value)) > SELF_CHECK_PORTS_LIMIT:
            raise ValueError(f"{SELF_CHECK_PORTS_LIMIT} ports at most")
        return tuple(sorted(set(value)))

    @field_validator("policy", "data", check_fields=False)
    @classmethod
    def _is_ours_to_load(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("bundles") is not None:
            raise ValueError("policy and data come with --bundles")
        if value is not None and info.data.get("opa") is not None:
            raise ValueError("a running OPA (--opa) has policy and data of its own; give them to it instead")
        if value is not None and not value.exists():
            raise ValueError(f"{value} does not exist")
        return value

    @field_validator("consent_keys", "consent_issuer", "consent_audience", check_fields=False)
    @classmethod
    def _is_given_with_consent(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("consent") == "on":
            flag = "--" + str(info.field_name).replace("_", "-")
            raise ValueError(f"{flag} is required; or --consent off where no model's rules need consent")
        return value

    @field_validator("consent_keys", check_fields=False)
    @classmethod
    def _is_there(cls, value: str | None) -> str | None:
        if value is not None and "://" not in value and not Path(value).is_file():
            raise ValueError(f"{value} does not exist")
        return value

    @field_validator("otlp", check_fields=False)
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            raise ValueError(f"{value!r} is not an http:// or https:// URL")
        return value

    @field_validator("input_headers", check_fields=False)
    @classmethod
    def _shows_no_secrets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """What the policy sees is recorded; contract 2: a token is never logged."""
        secret = [name for name in value if name.lower() in SECRET_HEADERS]
        if secret:
            raise ValueError(f"{', '.join(secret)} would end up in the audit trail")
        return value

    @field_validator("max_in_flight", check_fields=False)
    @classmethod
    def _fits_a_segment(cls, value: int, info: ValidationInfo) -> int:
        """Room for the OUTCOME of each open exchange is kept, be it as large as a record can be."""
        needed = (value + SPARE_RECORDS) * RECORD_ROOM_BYTES
        if info.data.get("audit_segment", needed) < needed:
            raise ValueError(f"{value} requests at work need --audit-segment {needed} at least; or fewer of them")
        return value

    @field_validator("window_store", check_fields=False)
    @classmethod
    def _is_known_store(cls, value: str) -> str:
        parts = urlsplit(value)
        is_remote = parts.scheme in ("redis", "rediss") and bool(parts.hostname)
        if value != "memory" and not is_remote and not (parts.scheme == "unix" and parts.path):
            raise ValueError("is none of memory, redis://HOST:PORT/DB, rediss://HOST:PORT/DB, unix://PATH")
        if parts.scheme == "redis" and not Address(parts.hostname or "", 0).is_loopback:
            # Requirement O5: plain text only on loopback and Unix sockets; windows could be forged on the way.
            raise ValueError("redis:// is for loopback only; use rediss://")
        return value

    @field_validator("window_spans", check_fields=False)
    @classmethod
    def _are_spans(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not 1 <= len(value) <= SPANS_LIMIT or any(
            not SPAN_LEAST_S <= span_s <= SPAN_LIMIT_S or span_s % SPAN_LEAST_S for span_s in value
        ):
            raise ValueError(f"one to {SPANS_LIMIT} spans of whole minutes, up to 7d, such as 15m,24h")
        return tuple(sorted(set(value)))
