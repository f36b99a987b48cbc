"""A log ready to be written: locked, recovered, with its key, its identity and its segment in place."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.durable import make_private, sync_folder
from sidecar.ledger.appender import Appender
from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.founding import Founding, LedgerRefused
from sidecar.ledger.identity import log_id_of
from sidecar.ledger.keys import load_key, publish
from sidecar.ledger.notary import Notary
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.recovery import Recovered, recover
from sidecar.ledger.retention import Keep, SegmentRetention

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sidecar.ledger.files import Files
    from sidecar.ledger.layout import Layout
    from sidecar.ledger.note import Signer
    from sidecar.ledger.recovery import Recall
    from sidecar.model.clock import Clock

logger = logging.getLogger("sidecar.audit")


@dataclass(frozen=True, slots=True)
class Terms:
    """How a log is kept. `public_file` gets the keys that anybody may know.

    A segment is closed when `segment_bytes` are full, `rotate_s` after it was begun, and where it is `archived` also at
    a stop: an archive takes closed ones only.
    """

    key_file: Path
    public_file: Path
    segment_bytes: int
    keep: Keep
    host: str
    rotate_s: float = 3_600.0
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open log. `recovered` is how it was found, `key_changed` whether another key signed last."""

    log_id: str
    signer: Signer
    appender: Appender
    notary: Notary
    recovered: Recovered
    key_changed: bool
    terms: Terms
    lock_fd: int

    def close(self) -> None:
        """Gives the unused disk back, and the log to the next process. On a disk that fails, a start does the rest."""
        try:
            self.appender.close()
        except OSError as error:
            logger.warning("the audit log could not be closed in order: %s", error)
        finally:
            os.close(self.lock_fd)


def open_ledger(files: Files, layout: Layout, terms: Terms, clock: Clock, recall: Recall) -> Ledger:
    """Opens or makes the log of a slot. Raises LedgerRefused, OSError, and ValueError for a key file that is none."""
    make_private(layout.ledger_dir)
    with contextlib.ExitStack() as opening:
        lock_fd = _lock(layout.lock)
        opening.callback(os.close, lock_fd)
        try:
            ledger = _Opening(files, layout, terms, clock).open(recall, lock_fd)
        except LedgerRefused as found:
            raise LedgerRefused(
                f"{found}; `sidecar audit verify` tells more. "
                "Keep the folder as evidence, and start with another --audit-dir"
            ) from found
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
        """See `open_ledger`. What is refused stays as it was found."""
        founding = Founding(self.files, self.layout, self._key(), self.terms.public_file)
        identity = founding.identity()
        signer = founding.found(
            identity,
            host=self.terms.host,
            created_unix_s=int(self.clock.unix_s()),
            segment_bytes=self.terms.segment_bytes,
        )
        keys = [*founding.published(), signer.verifier]
        log_id = log_id_of(signer.name)
        recovered = recover(self.files, self.layout, log_id, keys, recall)
        key_changed = not self._is_signed_by(signer)
        publish(self.terms.public_file, signer.vkey)
        if identity is not None and identity.vkey != signer.vkey:
            logger.warning("another key signs the audit log now: %s, and no longer %s", signer.vkey, identity.vkey)
            founding.identify(dataclasses.replace(identity, vkey=signer.vkey), signer)
        appender = Appender(self.files, self.layout, recovered, limit_bytes=self.terms.segment_bytes)
        notary = self._notary(signer, recovered)
        with contextlib.suppress(OSError):  # the notary tries again every second, and the metrics say so
            notary.reserve(appender)
        for folder in (self.layout.slot_dir, self.layout.ledger_dir, self.layout.segment(0).parent):
            sync_folder(folder)  # a crash may have come between a file's name and its sync
        return Ledger(log_id, signer, appender, notary, recovered, key_changed, self.terms, lock_fd)

    def _is_signed_by(self, signer: Signer) -> bool:
        """Whether the last checkpoint has the key of now on it."""
        try:
            open_checkpoint(self.layout.checkpoint.read_bytes(), [signer.verifier])
        except NoteInvalid:
            return False
        return True

    def _key(self) -> Ed25519PrivateKey:
        key, is_new = load_key(self.terms.key_file)
        if is_new:
            logger.warning(
                "made a new key to sign the audit log with, %s; in production give --audit-key from a secret",
                self.terms.key_file,
            )
        return key

    def _notary(self, signer: Signer, recovered: Recovered) -> Notary:
        return Notary(
            self.files,
            self.layout,
            signer,
            signed_size=recovered.signed.size,
            reserve_bytes=self.terms.segment_bytes,
            retention=SegmentRetention(self.files, self.layout, self.terms.keep, self.clock),
        )
