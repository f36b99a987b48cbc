"""The registry's client for verbs of `sidecar policy`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sidecar.cli.options import exit_with
from sidecar.cli.registry.remote import connected

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sidecar.registry.client import RegistryClient


@contextmanager
def registry_client(url: str, token_file: Path | None, ca_file: Path | None = None) -> Generator[RegistryClient]:
    """A client with the token of the file or the environment. Exits 2 where the registry cannot be asked."""
    with connected(url, token_file, ca_file) as client:
        from sidecar.registry.client import Unreachable  # noqa: PLC0415 - an extra
        from sidecar.registry.values import NotAllowed  # noqa: PLC0415

        try:
            yield client
        except (Unreachable, NotAllowed, ValueError) as error:
            exit_with([str(error)])
