"""Checkpoints: a log's word on its size and root, signed. C2SP tlog-checkpoint.

A log's key has the log's origin as its name, so a key of one log can never speak for another.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.merkle import HASH_BYTES
from sidecar.ledger.note import NoteInvalid, open_note, signed_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sidecar.ledger.note import Signer, VerifierKey


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of one log at one size."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed: three lines. Our logs write no extension lines, which C2SP advises against."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """From such a text. Raises NoteInvalid for all that `text` does not write."""
        try:
            origin, size, root, _ = text.split("\n")
            checkpoint = cls(origin, int(size), b64decode(root))
        except ValueError as error:
            raise NoteInvalid("the note is not a checkpoint: origin, size and root, a line each") from error
        if checkpoint.text != text or checkpoint.size < 0 or not origin or len(checkpoint.root) != HASH_BYTES:
            raise NoteInvalid("the checkpoint is not written as C2SP asks")
        return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """The checkpoint as a signed note. Raises ValueError where the key is not that of the checkpoint's log."""
    if signer.name != checkpoint.origin:
        raise ValueError(f"the key of {signer.name} does not sign for {checkpoint.origin}")
    return signer.sign(checkpoint.text)


def claimed_checkpoint(note: bytes) -> Checkpoint:
    """What a signed note says, whoever signed it. Raises NoteInvalid."""
    return Checkpoint.parse(signed_text(note))


def open_checkpoint(
    note: bytes, keys: Iterable[VerifierKey], origin: str | None = None, *, sole: bool = False
) -> Checkpoint:
    """The checkpoint in a note that a known key of that very log has signed. Raises NoteInvalid.

    `origin` is the log that it must be of, None for any whose key is known; `sole` is that of `open_note`.
    """
    claimed = note.partition(b"\n")[0].decode(errors="replace")
    if origin is not None and claimed != origin:
        told = claimed[:80] if claimed.isprintable() else ascii(claimed[:80])  # a terminal obeys control characters
        raise NoteInvalid(f"the checkpoint is one of {told}, not of {origin}")
    return Checkpoint.parse(open_note(note, [key for key in keys if key.name == claimed], sole=sole))
