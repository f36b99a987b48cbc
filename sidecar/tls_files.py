"""TLS of a server whose certificate is renewed while it runs: what its files hold is served, without a restart.

Belongs here: what the servers of several rooms need of certificate files. Imports `file_changes` only.
"""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING

from cryptography import x509

from sidecar.file_changes import FileChanges

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOK_S = 10.0
"""Renewed pairs are due days before the old ones end; and a look costs some microseconds."""

logger = logging.getLogger("sidecar.tls")


class TlsFilesInvalid(Exception):
    """The files cannot be served from; says which, and why."""


class TlsFiles:
    """A server's certificate chain and private key, and whom it asks for certificates (all PEM files).

    `context` is for the server, once and for all: at a handshake, but not more often than every `LOOK_S`, it looks
    whether a file has changed.
    A pair that does not work is told in the log, and the last good one is kept: half of a renewal may be there already.
    """

    def __init__(
        self, cert: Path, key: Path, client_ca: Path | None = None, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises `TlsFilesInvalid`."""
        self._cert, self._key, self._client_ca = cert, key, client_ca
        files = [path for path in (cert, key, client_ca) if path is not None]
        self._changes = FileChanges(files, LOOK_S, monotonic_s)
        self.context, self._expires_unix_s = self._load()
        self._newest = self.context
        self.context.sni_callback = self._choose

    @property
    def expires_unix_s(self) -> float:
        """When the certificate that is served ends."""
        self._look()
        return self._expires_unix_s

    def _choose(self, handshake: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        """OpenSSL asks at each handshake, with or without a name; another context brings its own certificate and CA."""
        del name, context
        self._look()
        handshake.context = self._newest

    def _look(self) -> None:
        if not self._changes.seen():
            return
        try:
            self._newest, self._expires_unix_s = self._load()
        except TlsFilesInvalid as invalid:
            logger.error("%s; the certificate of before is served on", invalid)  # noqa: TRY400 - it says it all
        else:
            logger.info("%s: the new certificate is served", self._cert)

    def _load(self) -> tuple[ssl.SSLContext, float]:
        """A context of its own each time: a live one would be left with half a pair where the other half fails."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self._cert, self._key, password=_no_password)
            leaf = x509.load_pem_x509_certificate(self._cert.read_bytes())
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise TlsFilesInvalid(f"{self._cert} and {self._key} are no certificate and its key: {error}") from None
        if self._client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(self._client_ca)
            except OSError as error:
                raise TlsFilesInvalid(f"{self._client_ca} holds no certificates to trust: {error}") from None
        return context, leaf.not_valid_after_utc.timestamp()


def _no_password() -> str:
    """Without it OpenSSL would ask on the terminal, and a server would hang."""
    raise ValueError("the key is encrypted; give one that is not")
