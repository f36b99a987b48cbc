"""What people withdraw: revocations and objections, by pseudonym, or by the names in a token, which become pseudonyms
here (contract 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from sidecar.registry.api.answers import Counts
from sidecar.registry.api.context import Here, Who  # noqa: TC001 - FastAPI reads annotations at run time
from sidecar.registry.api.guard import ForDataInBulk
from sidecar.registry.api.records import WRITE_REFUSALS
from sidecar.registry.values import Invalid, Json, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sidecar.consent.pseudonym import Pseudonyms

NAMES_LIMIT = 100_000
"""At once: some five seconds' writing."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


Name = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Pseudonym = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Reason = Annotated[str, StringConstraints(max_length=1024)]


class TokenName(_Strict):
    """A consent token, by its claims `iss` and `jti`."""

    issuer: Name
    token_id: Name

    def pseudonym(self, pseudonyms: Pseudonyms) -> str:
        """Under the subject key."""
        return pseudonyms.token_id(self.issuer, self.token_id)


class SubjectName(_Strict):
    """A person, by their tokens' claims `iss` and `sub`."""

    issuer: Name
    subject: Name

    def pseudonym(self, pseudonyms: Pseudonyms) -> str:
        """Under the subject key."""
        return pseudonyms.subject(self.issuer, self.subject)


Tokens = Annotated[list[Pseudonym | TokenName], Field(min_length=1, max_length=NAMES_LIMIT)]
Subjects = Annotated[list[Pseudonym | SubjectName], Field(min_length=1, max_length=NAMES_LIMIT)]


class Revoking(_Strict):
    """Either tokens or subjects. `until_unix_s`: how long it is kept; by default as long as a token can live."""

    tokens: Tokens | None = None
    subjects: Subjects | None = None
    reason: Reason | None = None
    until_unix_s: float | None = None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Revoking:
        if (self.tokens is None) == (self.subjects is None):
            raise ValueError("give tokens or subjects, one of the two")
        return self


class Objecting(_Strict):
    """People who object to decisions by machine."""

    subjects: Subjects
    reason: Reason | None = None


revocations = APIRouter(route_class=ForDataInBulk, tags=["revocations"])
objections = APIRouter(route_class=ForDataInBulk, tags=["objections"])


@revocations.post("/v1/revocations", responses=WRITE_REFUSALS, operation_id="revoke")
def revoke(here: Here, who: Who, body: Revoking) -> Counts:
    """Revoke consent, all that is named or nothing. Engines know within seconds."""
    kind = Kind.REVOKED_SUBJECT if body.tokens is None else Kind.REVOKED_TOKEN
    named = body.tokens or body.subjects or ()
    entry: Json = body.model_dump(include={"reason", "until_unix_s"}, exclude_none=True)
    items = [(each, entry) for each in _pseudonyms(named, here.pseudonyms)]
    return Counts(changed={kind: here.registry.put_many(kind, items, by=who.author)})


@objections.post("/v1/objections", responses=WRITE_REFUSALS, operation_id="object")
def object_(here: Here, who: Who, body: Objecting) -> Counts:
    """Put objections on record, all that are named or nothing."""
    entry: Json = body.model_dump(include={"reason"}, exclude_none=True)
    items = [(each, entry) for each in _pseudonyms(body.subjects, here.pseudonyms)]
    return Counts(changed={Kind.OBJECTION: here.registry.put_many(Kind.OBJECTION, items, by=who.author)})


def _pseudonyms(named: Iterable[str | TokenName | SubjectName], pseudonyms: Pseudonyms | None) -> list[str]:
    return [each if isinstance(each, str) else _pseudonym(each, pseudonyms) for each in named]


def _pseudonym(named: TokenName | SubjectName, pseudonyms: Pseudonyms | None) -> str:
    if pseudonyms is None:
        raise Invalid("names become pseudonyms under the sidecars' subject key: start the registry with --subject-key")
    return named.pseudonym(pseudonyms)
