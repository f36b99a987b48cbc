"""Who may do what: roles, the rights that each has, and bearer tokens on their way to a caller.

Whoever names no one may change nothing, ever, and read only where `--open-reads` says so.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sidecar.registry.values import Author, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

TOKEN_LIMIT_BYTES = 8_192


class Right(enum.StrEnum):
    """What a route asks of its caller."""

    BUNDLES = "fetch bundles"
    READ = "read records"
    DATA = "change data sets, group means, revocations and objections"
    RULES = "change models and policies"


class Role(enum.StrEnum):
    """What an administrator gives a token."""

    ENGINE = "engine"
    READER = "reader"
    STEWARD = "steward"
    ENGINEER = "engineer"
    ADMIN = "admin"


_READS = frozenset({Right.BUNDLES, Right.READ})
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.ENGINE: frozenset({Right.BUNDLES}),
    Role.READER: _READS,
    Role.STEWARD: _READS | {Right.DATA},
    Role.ENGINEER: _READS | {Right.RULES},
    Role.ADMIN: frozenset(Right),
}


class Unauthorised(Exception):
    """Nobody who is known asks (401). The text never quotes the token."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `is_person`: a named human, not a service."""

    subject: str
    roles: frozenset[Role]
    is_person: bool = False

    @property
    def author(self) -> Author:
        """As the history names them."""
        return Author(self.subject, self.is_person)

    def has_any(self, rights: Collection[Right]) -> bool:
        """Whether a role of theirs has at least one of the rights."""
        return any(right in RIGHTS[role] for role in self.roles for right in rights)

    def require(self, *rights: Right) -> None:
        """Raises `NotAllowed` unless they have one of the rights."""
        if not self.has_any(rights):
            needed = sorted(role for role in Role if any(right in RIGHTS[role] for right in rights))
            raise NotAllowed(f"{self.subject} may not {' or '.join(rights)}: that takes one of {', '.join(needed)}")


ANYBODY = Caller("anybody", frozenset({Role.READER}))
"""Who reads where reads are open."""


class Verifier(Protocol):
    """One way in which tokens are known."""

    async def caller(self, token: str) -> Caller | None:
        """Whose token it is; None where it is not of this kind. Raises `Unauthorised` where it is, and is no good."""
        ...


class Access:
    """The way from a request's `Authorization` to its caller."""

    def __init__(self, verifiers: Sequence[Verifier], *, open_reads: bool = False) -> None:
        self._verifiers = tuple(verifiers)
        self._open_reads = open_reads

    async def admit(self, authorizations: Sequence[str], rights: Collection[Right]) -> Caller:
        """Raises `Unauthorised`; `NotAllowed` where the caller has none of the rights."""
        if not authorizations and self._open_reads and ANYBODY.has_any(rights):
            return ANYBODY
        caller = await self._caller(_bearer(authorizations))
        caller.require(*rights)
        return caller

    async def _caller(self, token: str) -> Caller:
        for verifier in self._verifiers:
            caller = await verifier.caller(token)
            if caller is not None:
                return caller
        raise Unauthorised("the token is not known here; `sidecar registry token` makes one")


def _bearer(authorizations: Sequence[str]) -> str:
    """RFC 6750, section 2.1: one `Authorization: Bearer TOKEN`."""
    if not authorizations:
        raise Unauthorised(
            "this needs a token: send `Authorization: Bearer TOKEN` "
            "(verbs: --token-file FILE, or the variable SIDECAR_REGISTRY_TOKEN)"
        )
    scheme, _, token = authorizations[0].partition(" ")
    if len(authorizations) > 1 or scheme.lower() != "bearer" or not token or " " in token:
        raise Unauthorised("this takes one header `Authorization: Bearer TOKEN`")
    if len(token) > TOKEN_LIMIT_BYTES:
        raise Unauthorised(f"the token is longer than {TOKEN_LIMIT_BYTES} bytes")
    return token
