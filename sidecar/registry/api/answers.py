"""What routes answer with, as the OpenAPI document tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.registry.values import Change, Proposal, Published, Record


class Answer(BaseModel):
    """Made from the frozen values of `registry.values`."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class RecordAnswer(Answer):
    """One entry; `version` is its entity tag."""

    key: str
    version: int
    changed_unix_s: float
    changed_by: str
    body: dict[str, Any]

    @classmethod
    def of(cls, record: Record) -> RecordAnswer:
        """As it stands."""
        return cls.model_validate(record)


class RecordPage(Answer):
    """Entries in the order of their keys. `next`: give it as `after` for those that follow; null at the end."""

    items: list[RecordAnswer]
    next: str | None

    @classmethod
    def of(cls, records: Sequence[Record], limit: int) -> RecordPage:
        """Of what was asked for with `limit`."""
        items = [RecordAnswer.of(record) for record in records]
        return cls(items=items, next=items[-1].key if len(items) == limit else None)


class ChangeAnswer(Answer):
    """One line of the history."""

    number: int
    sequence: int
    unix_s: float
    by: str
    action: str
    kind: str
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class History(Answer):
    """Changes in order. `next`: give it as `after` for those that follow; null at the end."""

    items: list[ChangeAnswer]
    next: int | None

    @classmethod
    def of(cls, changes: Sequence[Change], limit: int) -> History:
        """Of what was asked for with `limit`."""
        items = [ChangeAnswer.model_validate(change) for change in changes]
        return cls(items=items, next=items[-1].number if len(items) == limit else None)


class ProposalAnswer(Answer):
    """Group means that were proposed, and what became of them."""

    id: int
    model: str
    means: dict[str, float]
    evidence: dict[str, Any]
    state: str
    proposed_by: str
    proposed_unix_s: float
    decided_by: str | None
    decided_unix_s: float | None
    why: str

    @classmethod
    def of(cls, proposal: Proposal) -> ProposalAnswer:
        """As it stands."""
        return cls.model_validate(proposal)


class Proposals(Answer):
    """A model's, the newest first."""

    items: list[ProposalAnswer]


class PublishedAnswer(Answer):
    """A policy as it was published."""

    sequence: int
    revision: str
    digest: str
    published_by: str
    published_unix_s: float

    @classmethod
    def of(cls, published: Published) -> PublishedAnswer:
        """As it is on record."""
        return cls.model_validate(published)


class Policies(Answer):
    """The newest first."""

    items: list[PublishedAnswer]


class Counts(Answer):
    """How many records were new or changed, by kind."""

    changed: dict[str, int]
