"""Which log is in a folder; and a new one where there is none.

A log is founded in this order, so that a start after a crash in between just goes on: its public key, its identity,
a checkpoint over no record, its first segment. From then on each of them is there, or somebody took it away.
"""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sidecar.ledger.identity import Identity, open_identity, origin_of, sign_identity
from sidecar.ledger.keys import publish, read_public, signer_of
from sidecar.ledger.layout import TILES, slots
from sidecar.ledger.merkle import EMPTY_ROOT
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.segments import Header, segment_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sidecar.ledger.files import Files
    from sidecar.ledger.layout import Layout
    from sidecar.ledger.note import Signer, VerifierKey

logger = logging.getLogger("sidecar.audit")

_CLAIMED = re.compile(rb"^log ([0-9a-f]{32})$", re.MULTILINE)


class LedgerRefused(Exception):
    """The log must not be written on. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Founding:
    """A slot's folder, and the key that signs from now on. `public_file` lists the keys that ever signed."""

    files: Files
    layout: Layout
    key: Ed25519PrivateKey
    public_file: Path

    def published(self) -> list[VerifierKey]:
        """The keys that ever signed. Raises OSError, and ValueError as `keys.read_public`."""
        return read_public(self.public_file) if self.public_file.exists() else []

    def identity(self) -> Identity | None:
        """Which log is there, or None. Raises LedgerRefused where that cannot be told; changes nothing."""
        try:
            note = self.layout.identity.read_bytes()
        except FileNotFoundError:
            self._require_nothing(self.layout.identity, self.layout.checkpoint)
            return None
        claimed = _CLAIMED.search(note)
        own = [self._signer(claimed[1].decode()).verifier] if claimed else []
        try:
            return open_identity(note, [*self.published(), *own])
        except NoteInvalid as error:
            raise LedgerRefused(f"{self.layout.identity}: {error}") from error

    def found(self, identity: Identity | None, *, host: str, created_unix_s: int, segment_bytes: int) -> Signer:
        """Makes what a new log still lacks, and nothing of an old one. Raises LedgerRefused, OSError."""
        log_id = identity.log_id if identity else secrets.token_hex(16)
        signer = self._signer(log_id)
        if identity is None:
            if (others := self.published()) and not self._has_neighbours():
                logger.warning(
                    "a new audit log is begun in %s, though %s names %d before it: where is the last one?",
                    self.layout.slot_dir,
                    self.public_file,
                    len(others),
                )
            publish(self.public_file, signer.vkey)
            self.identify(Identity(log_id, signer.vkey, host, created_unix_s), signer)
        if not self.layout.checkpoint.exists():
            self._require_nothing(self.layout.checkpoint)
            nothing = Checkpoint(signer.name, 0, EMPTY_ROOT)
            self.files.publish(self.layout.checkpoint, sign_checkpoint(nothing, signer))
        if not segment_files(self.layout.ledger_dir):
            self._require_unwritten(signer)
            self._begin(log_id, segment_bytes)
        return signer

    def identify(self, identity: Identity, signer: Signer) -> None:
        """Writes which log this is. Raises OSError."""
        self.files.publish(self.layout.identity, sign_identity(identity, signer))

    def _begin(self, log_id: str, segment_bytes: int) -> None:
        """The first segment: its header is durable before it gets its name, so that a segment always has one."""
        self.files.reserve(self.layout.reserve, segment_bytes)
        fd = self.files.open(self.layout.reserve)
        try:
            self.files.write(fd, [Header(log_id, 0, 0, EMPTY_ROOT).pack()], 0)
        finally:
            self.files.close(fd)
        self.files.move(self.layout.reserve, self.layout.segment(0))

    def _require_unwritten(self, signer: Signer) -> None:
        path = self.layout.checkpoint
        try:
            signed = open_checkpoint(path.read_bytes(), [*self.published(), signer.verifier], signer.name)
        except NoteInvalid as error:
            raise LedgerRefused(f"{path}: {error}") from error
        if signed.size > 0:
            raise LedgerRefused(f"{path} covers {signed.size} records, and there are none")

    def _has_neighbours(self) -> bool:
        """Whether there are logs of other slots: then the folder is the one that it was, and has a worker more."""
        found = slots(self.layout.slot_dir.parent)
        return any(other.identity.exists() for other in found if other != self.layout)

    def _signer(self, log_id: str) -> Signer:
        return signer_of(self.key, origin_of(log_id))

    def _require_nothing(self, missing: Path, *others: Path) -> None:
        """What is missing was never there only where nothing that is made after it is there."""
        later: Sequence[Path] = [*others, self.layout.ledger_dir / TILES, *segment_files(self.layout.ledger_dir)]
        left = next((path for path in later if path.exists()), None)
        if left is not None:
            raise LedgerRefused(f"{missing} is missing, though {left} is there")
