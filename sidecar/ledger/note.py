"""Signed notes: C2SP signed-note, with Ed25519.

    text, ending in a newline
    (an empty line)
    — <key name> base64(key id ‖ signature)

A note is read strictly. It must be written as this module would write it, to the byte: base64 with bits to spare, a
carriage return or a byte more at the end is no note. So whoever changes any byte of a note is found out.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURES_LIMIT = 100
"""As in Go's reference implementation; the specification asks for at least 16."""
_ED25519 = b"\x01"  # the signature type
_KEY_ID_BYTES = 4
_DASH = "\u2014 "


class NoteInvalid(Exception):
    """Not a signed note, or not one that a known key has signed."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name that it signs under. `public` has 32 bytes."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _is_key_name(self.name) or len(self.public) != 32:
            raise ValueError(f"{self.name!r} cannot name a key, or the key is not one of Ed25519")

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; they prove nothing."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """`name+id+base64`, as verifiers are given it."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """From a `vkey`. Raises ValueError for all that `vkey` does not write."""
        name, _, rest = vkey.partition("+")
        try:
            key = cls(name, b64decode(rest.partition("+")[2])[1:])
        except ValueError as error:
            raise ValueError(f"{vkey!r} is not the vkey of an Ed25519 key") from error
        if key.vkey != vkey:
            raise ValueError(f"{vkey!r} is not the vkey of an Ed25519 key: its id or its type does not fit")
        return key

    def verify(self, signature: bytes, text: str) -> None:
        """Raises NoteInvalid."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature as error:
            raise NoteInvalid(f"the signature of {self.name} (key {self.key_id.hex()}) is not good") from error


class Signer:
    """A private key and the name that it signs under."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.verifier = VerifierKey(name, private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """The key's name."""
        return self.verifier.name

    @property
    def vkey(self) -> str:
        """What verifiers need."""
        return self.verifier.vkey

    def sign(self, text: str) -> bytes:
        """The whole signed note. Raises ValueError for a text that a note cannot hold."""
        if not text.endswith("\n") or _has_control(text):
            raise ValueError("a note's text ends in a newline and has no other control characters")
        signature = self._private.sign(text.encode())
        return f"{text}\n{_line(self.name, self.verifier.key_id + signature)}".encode()


def open_note(note: bytes, keys: Iterable[VerifierKey], *, sole: bool = False) -> str:
    """The text of a note that at least one known key has signed. Raises NoteInvalid.

    Every signature by a known key must be good; those by other keys are ignored, as the specification asks. With
    `sole` the note must have one signature and no more, which leaves no byte that could be changed or added.
    """
    text, signatures = _parse(note)
    if sole and len(signatures) > 1:
        raise NoteInvalid(f"the note has {len(signatures)} signatures in place of one")
    known = list(keys)
    good = 0
    for name, signature in signatures:
        for key in known:
            if (key.name, key.key_id) == (name, signature[:_KEY_ID_BYTES]):
                key.verify(signature[_KEY_ID_BYTES:], text)
                good += 1
    if not good:
        by = ", ".join(f"{name} (key {signature[:_KEY_ID_BYTES].hex()})" for name, signature in signatures)
        raise NoteInvalid(f"the note is signed by {by}: no known key")
    return text


def signed_text(note: bytes) -> str:
    """The text of a note, less its signatures, whoever made them, as far as it is a note."""
    return note.decode(errors="replace").rpartition("\n\n")[0] + "\n"


def _parse(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and each signature's key name and bytes, of which the first four are the key's id."""
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise NoteInvalid("the note is not UTF-8") from error
    text, gap, block = decoded.rpartition("\n\n")
    lines = block.split("\n")[:-1]
    if _has_control(decoded) or not gap or not 0 < len(lines) <= SIGNATURES_LIMIT:
        raise NoteInvalid("this is not a signed note")
    signatures = [_parse_line(line) for line in lines]
    if decoded != f"{text}{gap}{''.join(_line(*signature) for signature in signatures)}":
        raise NoteInvalid("the note's signatures are not written as C2SP asks")
    return f"{text}\n", signatures


def _parse_line(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        signature = b64decode(encoded)
    except ValueError as error:
        raise NoteInvalid("a signature is not base64") from error
    if not _is_key_name(name) or len(signature) <= _KEY_ID_BYTES:
        raise NoteInvalid("a signature has no name or is cut off")
    return name, signature


def _line(name: str, signature: bytes) -> str:
    return f"{_DASH}{name} {b64encode(signature).decode()}\n"


def _is_key_name(name: str) -> bool:
    spaces = any(character.isspace() for character in name)
    return name != "" and "+" not in name and not spaces and not _has_control(name)


def _has_control(text: str) -> bool:
    return any(character < " " and character != "\n" for character in text)
