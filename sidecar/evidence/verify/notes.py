"""What is signed in a log: its identity and its checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.findings import Code
from sidecar.ledger.checkpoint import claimed_checkpoint, open_checkpoint
from sidecar.ledger.identity import Identity, open_identity
from sidecar.ledger.note import NoteInvalid, signed_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sidecar.evidence.findings import Findings
    from sidecar.ledger.checkpoint import Checkpoint
    from sidecar.ledger.note import VerifierKey

NOTE_LIMIT_BYTES = 64 << 10
_SHOWN_CHARS = 80
_NO_FILE = "a folder stands in its place"


def check_identity(path: Path, keys: Sequence[VerifierKey], findings: Findings) -> Identity | None:
    """The log's identity, if its signature is good."""
    try:
        note = _read(path)
    except FileNotFoundError:
        findings.add(Code.IDENTITY_MISSING, "the log has no identity", path.name)
        return None
    except IsADirectoryError:
        findings.add(Code.IDENTITY_INVALID, _NO_FILE, path.name)
        return None
    claimed = _claimed_identity(note)
    if claimed is not None and not _is_known(claimed.origin, keys):
        findings.add(Code.KEY_UNKNOWN, f"no key of {claimed.origin} was given", path.name)
        return claimed
    try:
        return open_identity(note, keys)
    except NoteInvalid as error:
        findings.add(Code.IDENTITY_INVALID, str(error), path.name)
        return None


def check_checkpoint(
    path: Path, name: str, keys: Sequence[VerifierKey], origin: str | None, findings: Findings
) -> Checkpoint | None:
    """A checkpoint, if it is of this log and its signature is good; else what is wrong is noted under `name`."""
    try:
        note = _read(path)
    except FileNotFoundError:
        findings.add(Code.CHECKPOINT_MISSING, "the log has no checkpoint", name)
        return None
    except IsADirectoryError:
        findings.add(Code.CHECKPOINT_INVALID, _NO_FILE, name)
        return None
    return read_checkpoint(note, name, keys, origin, findings)


def read_checkpoint(
    note: bytes, name: str, keys: Sequence[VerifierKey], origin: str | None, findings: Findings, *, sole: bool = True
) -> Checkpoint | None:
    """As `check_checkpoint`, of a note at hand. With `sole` it must have the log's signature alone."""
    claimed = _claimed_checkpoint(note)
    if claimed is not None and origin is not None and claimed.origin != origin:
        what = f"it is of {claimed.origin[:_SHOWN_CHARS]}, and this log is {origin}"
        findings.add(Code.CHECKPOINT_FOREIGN, what, name)
        return None
    if claimed is not None and not _is_known(claimed.origin, keys):
        findings.add(Code.KEY_UNKNOWN, f"no key of {claimed.origin[:_SHOWN_CHARS]} was given", name)
        return claimed
    try:
        return open_checkpoint(note, keys, origin, sole=sole)
    except NoteInvalid as error:
        findings.add(Code.CHECKPOINT_INVALID, str(error), name)
        return None


def _is_known(origin: str, keys: Sequence[VerifierKey]) -> bool:
    return any(key.name == origin for key in keys)


def _claimed_identity(note: bytes) -> Identity | None:
    try:
        return Identity.parse(signed_text(note))
    except NoteInvalid:
        return None


def _claimed_checkpoint(note: bytes) -> Checkpoint | None:
    try:
        return claimed_checkpoint(note)
    except NoteInvalid:
        return None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(NOTE_LIMIT_BYTES)
