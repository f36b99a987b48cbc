"""Pseudonyms of subjects and tokens, under the key that the registry shares (contract 4).

They are the keys of `revocations` and `objections` in the policy's data.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from sidecar.secret_file import read_or_create

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32


class Pseudonyms:
    """HMAC-SHA-256 in hexadecimal over `iss NUL sub` and `iss NUL jti`.

    `iss` is the configured issuer, which has no NUL, so no two pairs give the same bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a subject key has {KEY_BYTES} bytes")
        self._keyed = hmac.new(key, digestmod="sha256")

    def subject(self, issuer: str, subject: str) -> str:
        """The pseudonym of a person."""
        return self._of(issuer, subject)

    def token_id(self, issuer: str, token_id: str) -> str:
        """The pseudonym of a token."""
        return self._of(issuer, token_id)

    def _of(self, issuer: str, name: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(f"{issuer}\0{name}".encode())
        return keyed.hexdigest()


def load_pseudonyms(path: Path) -> Pseudonyms:
    """From `--subject-key FILE`, made on first use.

    Raises OSError, and ValueError where the file does not hold exactly 32 bytes.
    """
    return Pseudonyms(read_or_create(path, KEY_BYTES))
