"""The registry's client for verbs of `sidecar policy`: an extra, and so imported where a registry is named."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sidecar.cli.options import exit_with

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sidecar.registry.client import RegistryClient


@contextmanager
def registry_client(url: str, token_file: Path | None) -> Generator[RegistryClient]:
    """A client with the token of the file or the environment. Exits 2 where the registry cannot be asked."""
    try:
        from sidecar.registry.client import RegistryClient, Unreachable, read_token  # noqa: PLC0415 - an extra
        from sidecar.registry.values import NotAllowed  # noqa: PLC0415
    except ModuleNotFoundError as error:
        exit_with([f"{error.name} is not installed: pip install model-policy-sidecar[registry]"])
    try:
        with RegistryClient(url, read_token(token_file)) as client:
            yield client
    except (Unreachable, NotAllowed, ValueError) as error:
        exit_with([str(error)])
