"""The certificate that the webhooks are served with, and whom OPA trusts at the registry: from files, or our own."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from sidecar import durable
from sidecar.injector.certificates import pem
from sidecar.injector.certificates.pem import PemInvalid
from sidecar.injector.certificates.secrets import CA_CERT, TLS_CERT, TLS_KEY
from sidecar.injector.certificates.store import StoreFailed
from sidecar.injector.serving.followed import ContentInvalid, Followed
from sidecar.tls_files import TlsFiles

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

    from sidecar.injector.certificates.plan import Planned
    from sidecar.injector.certificates.store import Store
    from sidecar.injector.certificates.upkeep import Upkeep
    from sidecar.model.clock import Clock

ROUND_S = 10.0
"""So soon does a replica serve what another, or `sidecar injector rotate`, made."""
INJECTOR, REGISTRY, AUTHORITY = "injector", "registry", "authority"

logger = logging.getLogger("sidecar.injector")


class Certificates(Protocol):
    """Where they come from. `context` is for the server, once and for all."""

    context: ssl.SSLContext

    @property
    def registry_ca(self) -> str | None:
        """Whom OPA in guarded pods trusts at the registry (PEM); None: the system's authorities."""
        ...

    @property
    def ends_unix_s(self) -> Mapping[str, float]:
        """When each certificate that we know of ends."""
        ...

    @property
    def problems(self) -> list[str]:
        """What stands in the way now."""
        ...

    async def run(self) -> None:
        """Upkeep, until it is cancelled."""
        ...


class FileCertificates:
    """In a folder that somebody else keeps, such as a mounted Secret of cert-manager."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Raises `TlsFilesInvalid`, `ContentInvalid`."""
        self._tls = TlsFiles(folder / TLS_CERT, folder / TLS_KEY, monotonic_s=clock.monotonic_s)
        self._ca = Followed(folder / CA_CERT, _authorities, clock)
        self.context = self._tls.context

    @property
    def registry_ca(self) -> str | None:
        """See `Certificates`."""
        return self._ca.value

    @property
    def ends_unix_s(self) -> Mapping[str, float]:
        """See `Certificates`."""
        return {INJECTOR: self._tls.expires_unix_s}

    @property
    def problems(self) -> list[str]:
        """See `Certificates`."""
        return self._ca.problems

    async def run(self) -> None:
        """Nothing to keep up: files are looked at when they are needed."""


class OwnCertificates:
    """Our own, in Secrets that all replicas keep up; what is served goes through a file of this process alone."""

    def __init__(self, upkeep: Upkeep, store: Store, secrets: Mapping[str, str], folder: Path, clock: Clock) -> None:
        """`secrets`: `injector` and `registry` to the names of their Secrets. The first round is done here: it blocks.

        Raises `StoreFailed`.
        """
        self._upkeep = upkeep
        self._store = store
        self._secrets = dict(secrets)
        self._file = folder / "tls.pem"
        self._problems: list[str] = []
        self._planned = self._round()
        self._tls = TlsFiles(self._file, self._file, monotonic_s=clock.monotonic_s)
        self.context = self._tls.context

    @property
    def registry_ca(self) -> str | None:
        """See `Certificates`."""
        return self._planned.bundle.decode()

    @property
    def ends_unix_s(self) -> Mapping[str, float]:
        """See `Certificates`; the injector's is the one that is served, not the one that was made."""
        planned = self._planned.ends
        ends = {name: planned[secret] for name, secret in self._secrets.items()} | {AUTHORITY: planned[AUTHORITY]}
        return {name: end.timestamp() for name, end in ends.items()} | {INJECTOR: self._tls.expires_unix_s}

    @property
    def problems(self) -> list[str]:
        """See `Certificates`."""
        return self._problems

    async def run(self) -> None:
        """A round every `ROUND_S`; one that fails is told, and tried again."""
        while True:
            await asyncio.sleep(ROUND_S)
            await asyncio.to_thread(self._try)

    def _try(self) -> None:
        try:
            self._planned = self._round()
        except (StoreFailed, OSError) as error:
            self._tell([str(error)])

    def _round(self) -> Planned:
        planned = self._upkeep.round()
        leaf = planned.leaves[self._secrets[INJECTOR]]
        content = leaf[TLS_CERT] + leaf[TLS_KEY]  # one file, so that no half of a pair is ever read
        if not self._file.exists() or self._file.read_bytes() != content:
            durable.replace(self._file, content)
        try:  # webhook configurations may be made after us, and must not keep us from starting
            if self._store.trust(planned.bundle):
                logger.info("the API server is told whom to trust at our webhooks")
            self._tell([])
        except StoreFailed as error:
            self._tell([str(error)])
        return planned

    def _tell(self, problems: list[str]) -> None:
        if problems != self._problems:
            self._problems = problems
            for problem in problems:
                logger.warning("certificates: %s", problem)


def utc_now(clock: Clock) -> datetime:
    """The clock's time as certificates have it."""
    return datetime.fromtimestamp(clock.unix_s(), UTC)


def _authorities(path: Path) -> str | None:
    """None where there is no such file: a public authority signed, or nobody needs to be told."""
    try:
        content = path.read_bytes()
        return content.decode("ascii") if pem.certificates(content) else None
    except FileNotFoundError:
        return None
    except (OSError, PemInvalid, UnicodeDecodeError) as error:
        raise ContentInvalid([f"{path}: {error}"]) from None
