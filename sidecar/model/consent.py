"""The consent token as a fact: what verification found, never an exception (contract 1, step 4)."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ConsentStatus(enum.StrEnum):
    """What became of the token; `off` where consent is not checked at all."""

    VALID = "valid"
    MISSING = "missing"
    INVALID = "invalid"
    EXPIRED = "expired"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """What a token says. All but `status` and `detail` are empty unless the status is `valid`.

    `subject` and `token_id` are pseudonyms (HMAC-SHA-256, hexadecimal), never the token's own words.
    `groups` is the `group` claim, for models whose facts name `claim:group` as their source.
    `detail` says for an operator why a token was not accepted; it never quotes the token.
    """

    status: ConsentStatus
    issuer: str | None = None
    subject: str | None = None
    token_id: str | None = None
    scopes: tuple[str, ...] = ()
    expires_unix_s: float | None = None
    data_version: str | None = None
    groups: tuple[str, ...] | None = None
    detail: str | None = None

    def as_input(self) -> dict[str, object]:
        """`consent` of the policy input."""
        return {
            "status": str(self.status),
            "issuer": self.issuer,
            "subject": self.subject,
            "token_id": self.token_id,
            "scopes": self.scopes,
            "expires_unix_s": self.expires_unix_s,
            "data_version": self.data_version,
        }
