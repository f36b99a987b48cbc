"""A log ready to be written: locked, recovered, with its key, its identity and its segment in place."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.appender import Appender
from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.files import make_private
from sidecar.ledger.identity import Identity, open_identity, origin_of, sign_identity
from sidecar.ledger.keys import load_key, publish, read_public, signer_of
from sidecar.ledger.merkle import EMPTY_ROOT, Tree
from sidecar.ledger.notary import Notary
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.recovery import LedgerRefused, Recovered, recover
from sidecar.ledger.retention import Keep, SegmentRetention
from sidecar.ledger.segments import HEADER_BYTES, Header, read_header, segment_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sidecar.ledger.files import Files
    from sidecar.ledger.layout import Layout
    from sidecar.ledger.merkle import Tile
    from sidecar.ledger.note import Signer, VerifierKey
    from sidecar.ledger.recovery import Recall
    from sidecar.model.clock import Clock

logger = logging.getLogger("sidecar.audit")


@dataclass(frozen=True, slots=True)
class Terms:
    """How a log is kept: sizes in bytes; `public_file` gets the keys that anybody may know."""

    key_file: Path
    public_file: Path
    segment_bytes: int
    keep: Keep
    host: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open log. `recovered` is how it was found, `key_changed` whether another key signed last."""

    log_id: str
    signer: Signer
    appender: Appender
    notary: Notary
    recovered: Recovered
    key_changed: bool
    lock_fd: int

    def close(self) -> None:
        """Gives the unused disk back, and the log to the next process."""
        try:
            self.appender.close()
        finally:
            os.close(self.lock_fd)


def open_ledger(files: Files, layout: Layout, terms: Terms, clock: Clock, recall: Recall) -> Ledger:
    """Opens or makes the log of a slot. Raises LedgerRefused, OSError, and ValueError for a key file that is none."""
    make_private(layout.ledger_dir)
    with contextlib.ExitStack() as opening:
        lock_fd = _lock(layout.lock)
        opening.callback(os.close, lock_fd)
        ledger = _Opening(files, layout, terms, clock).open(recall, lock_fd)
        opening.pop_all()
        return ledger


def _lock(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise LedgerRefused(
            f"another process writes the audit log in {path.parent}: stop it, or choose another --audit-dir"
        ) from error
    return fd


@dataclass(frozen=True, slots=True)
class _Opening:
    """What the steps of opening share."""

    files: Files
    layout: Layout
    terms: Terms
    clock: Clock

    def open(self, recall: Recall, lock_fd: int) -> Ledger:
        """See `open_ledger`."""
        segments = segment_files(self.layout.ledger_dir)
        log_id = read_header(segments[-1]).log_id if segments else secrets.token_hex(16)
        signer = self._signer(origin_of(log_id))
        public_file = self.terms.public_file
        published = read_public(public_file) if public_file.exists() else []
        recovered = recover(self.files, self.layout, [*published, signer.verifier], recall) or self._fresh(log_id)
        publish(public_file, signer.vkey)
        key_changed = not self._is_signed_by(signer)
        self._identify(log_id, signer, published)
        appender = Appender(self.files, self.layout, recovered, limit_bytes=self.terms.segment_bytes)
        notary = self._notary(signer, recovered)
        with contextlib.suppress(OSError):  # the notary tries again every second, and the metrics say so
            notary.reserve(appender)
        return Ledger(log_id, signer, appender, notary, recovered, key_changed, lock_fd)

    def _fresh(self, log_id: str) -> Recovered:
        """A log without records. Its first segment gets its name last: a crash before leaves none."""
        self.files.reserve(self.layout.reserve, self.terms.segment_bytes)
        fd = self.files.open(self.layout.reserve)
        try:
            self.files.write(fd, [Header(log_id, 0, 0, EMPTY_ROOT).pack()], 0)
        finally:
            self.files.close(fd)
        self.files.move(self.layout.reserve, self.layout.segment(0))
        tiles: list[Tile] = []
        return Recovered(log_id, Tree(tiles.append), 0, HEADER_BYTES, None, tiles, 0)

    def _is_signed_by(self, signer: Signer) -> bool:
        """Whether the last checkpoint, if there is one, has the key of now on it."""
        try:
            open_checkpoint(self.layout.checkpoint.read_bytes(), [signer.verifier])
        except FileNotFoundError:
            return True
        except NoteInvalid:
            return False
        return True

    def _identify(self, log_id: str, signer: Signer, published: Sequence[VerifierKey]) -> None:
        """Says which log this is, signed by the key of now. Raises LedgerRefused where the file says otherwise."""
        with contextlib.suppress(FileNotFoundError):
            found = self._identity([*published, signer.verifier])
            if found.log_id != log_id:
                raise LedgerRefused(f"{self.layout.identity} is of another log: {found.log_id}")
            if found.vkey == signer.vkey:
                return
        identity = Identity(log_id, signer.vkey, self.terms.host, int(self.clock.unix_s()))
        self.files.publish(self.layout.identity, sign_identity(identity, signer))

    def _identity(self, keys: Sequence[VerifierKey]) -> Identity:
        try:
            return open_identity(self.layout.identity.read_bytes(), keys)
        except NoteInvalid as error:
            raise LedgerRefused(f"{self.layout.identity}: {error}; keep the folder as evidence") from error

    def _signer(self, origin: str) -> Signer:
        key, is_new = load_key(self.terms.key_file)
        if is_new:
            logger.warning(
                "made a new key to sign the audit log with, %s; in production give --audit-key from a secret",
                self.terms.key_file,
            )
        return signer_of(key, origin)

    def _notary(self, signer: Signer, recovered: Recovered) -> Notary:
        return Notary(
            self.files,
            self.layout,
            signer,
            signed_size=recovered.signed.size if recovered.signed else 0,
            reserve_bytes=self.terms.segment_bytes,
            retention=SegmentRetention(self.files, self.layout, self.terms.keep, self.clock),
        )
