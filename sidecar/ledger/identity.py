"""What a log is called, and who made it: the signed note named `identity` in a ledger's folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.note import NoteInvalid, VerifierKey, open_note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sidecar.ledger.note import Signer

_FIRST_LINE = "model-policy-sidecar log v1"
_LOG_ID = re.compile(r"[0-9a-f]{32}")
_LABELS = ("log", "origin", "key", "host", "created")


def origin_of(log_id: str) -> str:
    """A log's origin, which is its key's name too."""
    return f"model-policy-sidecar/{log_id}"


def log_id_of(origin: str) -> str:
    """The log whose origin this is. Raises NoteInvalid for what `origin_of` does not give."""
    log_id = origin.removeprefix(origin_of(""))
    if origin != origin_of(log_id) or not _LOG_ID.fullmatch(log_id):
        raise NoteInvalid(f"{origin[:80]!a} is not the origin of a log")
    return log_id


@dataclass(frozen=True, slots=True)
class Identity:
    """One log. `log_id` is 32 hexadecimal digits, `vkey` the key that signs its checkpoints now."""

    log_id: str
    vkey: str
    host: str
    created_unix_s: int

    @property
    def origin(self) -> str:
        """The first line of the log's checkpoints."""
        return origin_of(self.log_id)

    @property
    def text(self) -> str:
        """What is signed: a line of each."""
        values = (self.log_id, self.origin, self.vkey, self.host, str(self.created_unix_s))
        lines = [_FIRST_LINE, *(f"{label} {value}" for label, value in zip(_LABELS, values, strict=True))]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Identity:
        """From such a text. Raises NoteInvalid for all that `text` does not write."""
        try:
            _, log_id, _, vkey, host, created = (line.partition(" ")[2] for line in text.split("\n")[:-1])
            identity = cls(log_id, vkey, host, int(created))
            key = VerifierKey.parse(vkey)
        except ValueError as error:
            raise NoteInvalid("the note is not the identity of a log") from error
        if identity.text != text or not _LOG_ID.fullmatch(log_id) or key.name != identity.origin:
            raise NoteInvalid("the identity is not written as this version writes it")
        return identity


def sign_identity(identity: Identity, signer: Signer) -> bytes:
    """The identity as a signed note. Raises ValueError where it names another key."""
    if signer.vkey != identity.vkey:
        raise ValueError(f"the identity names the key {identity.vkey}, not {signer.vkey}")
    return signer.sign(identity.text)


def open_identity(note: bytes, keys: Iterable[VerifierKey]) -> Identity:
    """The identity in a note that the known key which it names has signed, alone. Raises NoteInvalid."""
    known = list(keys)
    identity = Identity.parse(open_note(note, known, sole=True))
    open_note(note, [key for key in known if key.vkey == identity.vkey])
    return identity
