"""A bundle in an OCI registry, in the layout that OPA pulls: one layer, which is the bundle's archive."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from sidecar.authoring.places import NotPublished, is_new
from sidecar.settings.values import Address

if TYPE_CHECKING:
    from sidecar.authoring.building import Built

SCHEME = "oci://"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
"""What OPA looks for among a manifest's layers (its `v1/download`)."""
REVISION = "org.opencontainers.image.revision"
"""An annotation of OCI's own: the commit."""
NOT_FOUND = ": Not Found"
"""How oras tells of a 404."""
SEQUENCE = "model-policy-sidecar.sequence"


class _Client(Protocol):
    """What is used of oras."""

    def push(self, target: str, **options: Any) -> Any: ...
    def get_manifest(self, container: str) -> dict[str, Any]: ...


def push(built: Built, target: str) -> str:
    """Pushes to `oci://HOST/REPOSITORY:TAG`; returns it with the layer's digest. Raises `NotPublished`.

    Credentials are those of `docker login`. Plain HTTP on a loopback address alone.
    """
    name = target.removeprefix(SCHEME)
    host, slash, rest = name.partition("/")
    if not slash or ":" not in rest:
        raise NotPublished(f"{target} is not oci://HOST/REPOSITORY:TAG")
    client = _client(host)
    try:
        there = _manifest(client, name)
        if is_new(built, target, _sequence(there), same=_layer(there) == _digest(built)):
            _push(client, name, built)
    except (ValueError, OSError) as error:  # what requests raises is an OSError, what oras does a ValueError
        raise NotPublished(f"{target}: {error}") from None
    return f"{target}, layer {_digest(built)}"


def _client(host: str) -> _Client:
    try:
        from oras.logger import setup_logger  # noqa: PLC0415 # pyright: ignore
        from oras.provider import Registry  # noqa: PLC0415 # pyright: ignore
    except ImportError as error:
        raise NotPublished(f"{error.name} is not installed: pip install model-policy-sidecar[oci]") from None
    setup_logger(quiet=True)  # it would print that there is nothing yet
    registry: Any = Registry(hostname=host, insecure=Address(urlsplit(f"//{host}").hostname or "", 0).is_loopback)
    # One try: with its own retries oras tells after two minutes only that a registry cannot be reached.
    registry.do_request = MethodType(registry.do_request.__func__.__wrapped__, registry)
    return cast("_Client", registry)


def _push(client: _Client, name: str, built: Built) -> None:
    annotations = {REVISION: built.manifest.revision, SEQUENCE: str(built.manifest.sequence)}
    with tempfile.TemporaryDirectory(prefix="sidecar-policy-") as folder:
        path = Path(folder, "policy.tar.gz")
        path.write_bytes(built.archive)
        client.push(
            name,
            files=[f"{path}:{LAYER}"],
            manifest_annotations=annotations,
            disable_path_validation=True,
            quiet=True,
        )


def _manifest(client: _Client, name: str) -> dict[str, Any]:
    """What the tag names now; empty where there is nothing yet."""
    try:
        return client.get_manifest(name)
    except ValueError as error:
        if str(error).endswith(NOT_FOUND):
            return {}
        raise


def _sequence(manifest: dict[str, Any]) -> int | None:
    with suppress(KeyError, TypeError, ValueError):
        return int(manifest["annotations"][SEQUENCE])
    return None


def _layer(manifest: dict[str, Any]) -> str | None:
    with suppress(KeyError, IndexError, TypeError):
        return str(manifest["layers"][0]["digest"])
    return None


def _digest(built: Built) -> str:
    return f"sha256:{hashlib.sha256(built.archive).hexdigest()}"
