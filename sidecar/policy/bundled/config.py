"""OPA's file, as far as it is about bundles: one file configures both engines.

Source: OPA's documentation, "Configuration". What is not known here is refused, and so is what OPA would let pass and
nobody should want: bundles without signature or scope, plain HTTP to another machine.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sidecar.bundles.invalid import KeyInvalid
from sidecar.bundles.signing import VerifyingKey
from sidecar.http1.target import Target
from sidecar.policy.facts import BUNDLES_LIMIT
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE_LIMIT_BYTES = 128 * 1024 * 1024
"""Of one bundle, packed and unpacked, unless the file says otherwise: a million revocations, packed as the registry
packs them, take 33 MB."""
FILE_LIMIT_BYTES = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
"""It is a file's name, and a label of metrics."""
_PATH = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class BundleSpec:
    """One bundle: where it comes from, who must have signed it, and how it is asked for.

    `long_polling_s` None: the server is not asked to wait. `header_timeout_s`: for an answer to begin, and between
    two parts of it. `token_file`, `ca_file`: read anew when they change; None: no token, the system's authorities.
    """

    name: str
    target: Target
    path: str
    key: VerifyingKey
    scope: str
    token_file: Path | None = None
    ca_file: Path | None = None
    persist: bool = False
    min_delay_s: float = 60.0
    max_delay_s: float = 120.0
    long_polling_s: int | None = None
    header_timeout_s: float = 10.0
    size_limit_bytes: int = SIZE_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class BundlesConfig:
    """All bundles of a file, by name. `folder`: where those are kept that persist; None: the file says nothing."""

    specs: tuple[BundleSpec, ...]
    folder: Path | None = None


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


_Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Bearer(_Shape):
    token_path: str


class _Credentials(_Shape):
    bearer: _Bearer


class _Tls(_Shape):
    ca_cert: str


class _Service(_Shape):
    url: str
    credentials: _Credentials | None = None
    tls: _Tls | None = None
    response_header_timeout_seconds: _Seconds = 10.0


class _Key(_Shape):
    algorithm: Literal["ES256", "RS256"]
    key: str


class _Signing(_Shape):
    keyid: str
    scope: Annotated[str, Field(min_length=1)]


class _Polling(_Shape):
    min_delay_seconds: _Seconds = 60.0
    max_delay_seconds: _Seconds = 120.0
    long_polling_timeout_seconds: Annotated[int, Field(ge=1, le=3_600)] | None = None


class _Bundle(_Shape):
    service: str
    resource: Annotated[str, Field(min_length=1)]
    signing: _Signing
    persist: bool = False
    polling: _Polling = _Polling()
    size_limit_bytes: Annotated[int, Field(ge=1)] = SIZE_LIMIT_BYTES


class _File(_Shape):
    services: dict[str, _Service]
    keys: dict[str, _Key]
    bundles: Annotated[dict[str, _Bundle], Field(min_length=1, max_length=BUNDLES_LIMIT)]
    persistence_directory: str | None = None
    status: object = None  # of OPA itself


def load_config(path: Path) -> BundlesConfig:
    """What a file (YAML or JSON) says; raises `PolicyProblems` with all that is wrong. Blocks."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT_BYTES + 1)
        document: object = yaml.safe_load(content) if len(content) <= FILE_LIMIT_BYTES else None
        shape = _File.model_validate(document)
    except OSError as error:
        raise PolicyProblems([f"{path}: {error.strerror}"]) from None
    except ValidationError as error:
        raise PolicyProblems([f"{path}: {problem}" for problem in _details(error)]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyProblems([f"{path}: is no YAML: {' '.join(str(error).split())}"]) from None
    problems: list[str] = []
    specs = tuple(spec for name in sorted(shape.bundles) if (spec := _spec(name, shape, problems)) is not None)
    if problems:
        raise PolicyProblems([f"{path}: {problem}" for problem in problems])
    return BundlesConfig(specs, None if shape.persistence_directory is None else Path(shape.persistence_directory))


def _details(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in detail['loc']) or 'it'}: {_MEANT.get(detail['type'], detail['msg'])}"
        for detail in error.errors(include_url=False, include_input=False)
    ]


_MEANT = {"extra_forbidden": "is not known here", "missing": "is required"}


def _spec(name: str, shape: _File, problems: list[str]) -> BundleSpec | None:
    bundle = shape.bundles[name]
    service, key = shape.services.get(bundle.service), shape.keys.get(bundle.signing.keyid)
    found = [f"bundles.{name}: {told}" for told in _bundle_problems(name, bundle, shape)]
    if service is None or key is None or found:
        problems += found
        return None
    try:
        target, path = _place(service.url, bundle.resource)
        verifying = _verifying(key)
    except (ValueError, KeyInvalid) as error:
        problems.append(f"bundles.{name}: {error}")
        return None
    return BundleSpec(
        name,
        target,
        path,
        verifying,
        bundle.signing.scope,
        token_file=None if service.credentials is None else Path(service.credentials.bearer.token_path),
        ca_file=None if service.tls is None else Path(service.tls.ca_cert),
        persist=bundle.persist,
        min_delay_s=bundle.polling.min_delay_seconds,
        max_delay_s=bundle.polling.max_delay_seconds,
        long_polling_s=bundle.polling.long_polling_timeout_seconds,
        header_timeout_s=service.response_header_timeout_seconds,
        size_limit_bytes=bundle.size_limit_bytes,
    )


def _bundle_problems(name: str, bundle: _Bundle, shape: _File) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "a bundle's name is made of letters, digits, _, - and dots, 64 at most"
    if bundle.service not in shape.services:
        yield f"there is no service {bundle.service}"
    if bundle.signing.keyid not in shape.keys:
        yield f"there is no key {bundle.signing.keyid}"
    if bundle.polling.min_delay_seconds > bundle.polling.max_delay_seconds:
        yield "polling.min_delay_seconds is above max_delay_seconds"


def _place(url: str, resource: str) -> tuple[Target, str]:
    """Server and path of `URL/RESOURCE`; raises ValueError."""
    if "$" in url + resource:
        raise ValueError("variables in its URL are OPA's to replace, and are not replaced here")
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ValueError(f"{url!r} has more than scheme, host, port and path")
    target = Target.parse(f"{parts.scheme}://{parts.netloc}")
    if target.scheme == "http" and not _is_loopback(target.host):
        raise ValueError(f"{url!r}: plain http is for loopback only: who listens learns the token; use https")
    path = f"{parts.path.rstrip('/')}/{resource.lstrip('/')}"
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is no path: visible ASCII alone")
    return target, path


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _verifying(key: _Key) -> VerifyingKey:
    verifying = VerifyingKey(key.key.encode())
    if verifying.algorithm != key.algorithm:
        raise KeyInvalid(f"the key is one for {verifying.algorithm}, not {key.algorithm}")
    return verifying
