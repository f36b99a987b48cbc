"""The words that the registry's rooms share. Frozen; no database, no HTTP."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = dict[str, object]


class Kind(enum.StrEnum):
    """What a record is about. Revocations and objections are keyed by pseudonyms, of 64 hexadecimal digits."""

    DATASET = "dataset"
    MODEL = "model"
    GROUP_MEAN = "group_mean"
    REVOKED_TOKEN = "revoked_token"  # noqa: S105 - a kind of record
    REVOKED_SUBJECT = "revoked_subject"
    OBJECTION = "objection"


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks for a change. `is_person`: a named human, not a service."""

    subject: str
    is_person: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as it stands. `version` counts its changes from 1: the entity tag of the API."""

    kind: Kind
    key: str
    version: int
    body: Json
    changed_unix_s: float
    changed_by: str


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history. `number` counts lines from 1, without gaps; those of one transaction share `sequence`.

    `before` and `after`: bodies; None where there was or is no record. `kind` is a `Kind`, or `proposal`, `policy`
    or `revocations`, which have lines of their own.
    """

    number: int
    sequence: int
    unix_s: float
    by: str
    action: str
    kind: str
    key: str
    before: Json | None
    after: Json | None


class ProposalState(enum.StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    ACTIVE = "active"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Group means of one model with the evidence for them. `why`: why it waits, or why it was rejected."""

    id: int
    model: str
    means: Mapping[str, float]
    evidence: Json
    state: ProposalState
    proposed_by: str
    proposed_unix_s: float
    decided_by: str | None
    decided_unix_s: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Published:
    """A policy bundle as it was published; its archive is kept with it."""

    sequence: int
    revision: str
    digest: str
    published_by: str
    published_unix_s: float


@dataclass(frozen=True, slots=True)
class Document:
    """What a bundle's data.json is made of, and the last change that touched it."""

    json: Json
    sequence: int
    created_unix_s: float


class RegistryRefused(Exception):
    """A request that is not carried out; nothing was changed. `problems`: one line each, for whoever asked."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems: Sequence[str] = problems


class Invalid(RegistryRefused):
    """The body, or what would come of it, is not acceptable (422)."""


class Missing(RegistryRefused):
    """There is no such record (404)."""


class Conflict(RegistryRefused):
    """The record is there already, is referred to, or was decided (409)."""


class Stale(RegistryRefused):
    """The record has another version than was expected (412)."""


class Unexpected(RegistryRefused):
    """The version that the change builds on was not named (428)."""


class NotAllowed(RegistryRefused):
    """The author may not do this (403)."""
