"""What is sent: mostly calls as they should be, and among them each mistake that the contract names."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

import orjson

from sidecar.demo.applications import INPUTS
from sidecar.demo.model_server import GROUP, NAME
from sidecar.demo.people import claims_of
from sidecar.demo.policy_data import SCOPE, data_versions
from sidecar.demo.skewed import SKEWED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sidecar.demo.applications import Application
    from sidecar.demo.people import Issuer
    from sidecar.demo.policy_data import DataVersions
    from sidecar.model.message import Headers

INFER_PATH = f"/v2/models/{NAME}/infer"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, whose it is, and what should become of it (`kind.expected`)."""

    kind: Kind
    application: Application
    path: str
    headers: Headers
    body: bytes


@dataclass(slots=True)
class Draft:
    """A call as it should be, which a kind of mistake then changes. No `claims`: no token."""

    versions: DataVersions
    headers: dict[bytes, str]
    claims: dict[str, object] | None
    signer: Issuer
    stranger: Issuer
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of call. `expected` is the reason it is refused for, None where it is forwarded.

    `may_meet` is a reason that it may be refused for instead, by no fault of its own.
    """

    told: str
    share: float
    expected: str | None
    change: Callable[[Draft], None]
    may_meet: str | None = None


def _nothing(_: Draft) -> None:
    """A call as it should be."""


def _use_aged_data(draft: Draft) -> None:
    draft.headers[b"x-data-version"] = draft.versions.aged


def _use_stale_data(draft: Draft) -> None:
    draft.headers[b"x-data-version"] = draft.versions.stale


def _use_unknown_data(draft: Draft) -> None:
    draft.headers[b"x-data-version"] = draft.versions.unknown


def _name_no_data(draft: Draft) -> None:
    del draft.headers[b"x-data-version"]


def _contradict(draft: Draft) -> None:
    parameters = {"data_version": draft.versions.stale}
    draft.body = orjson.dumps({**orjson.loads(draft.body), "parameters": parameters})


def _send_no_token(draft: Draft) -> None:
    draft.claims = None


def _let_token_expire(draft: Draft) -> None:
    _claims(draft).update(iat=_when(draft, "iat") - 7_200, exp=_when(draft, "iat") - 3_600)


def _forge_token(draft: Draft) -> None:
    draft.signer = draft.stranger


def _consent_to_other(draft: Draft) -> None:
    _claims(draft)["scope"] = "marketing"


def _consent_to_other_data(draft: Draft) -> None:
    _claims(draft)["data_version"] = draft.versions.stale


def _name_no_scope(draft: Draft) -> None:
    del draft.headers[b"x-consent-scope"]


def _send_half_a_body(draft: Draft) -> None:
    draft.body = draft.body[: len(draft.body) // 2]


def _manage(draft: Draft) -> None:
    draft.path = f"/v2/repository/models/{NAME}/unload"
    draft.body = b"{}"


def _ask_the_skewed_model(draft: Draft) -> None:
    body = orjson.loads(draft.body)
    group = {"name": GROUP, "shape": [1], "datatype": "BYTES", "data": [_claims(draft)["group"]]}
    draft.path = f"/v2/models/{SKEWED}/infer"
    draft.body = orjson.dumps({**body, "inputs": [*body["inputs"], group]})


def _claims(draft: Draft) -> dict[str, object]:
    if draft.claims is None:
        raise ValueError("this kind of call has no token")
    return draft.claims


def _when(draft: Draft, claim: str) -> int:
    return int(str(_claims(draft)[claim]))


GOOD = Kind("as it should be", 0.76, None, _nothing)
UNFAIR = Kind("as it should be, to the skewed model", 0.0, None, _ask_the_skewed_model, may_meet="model_throttled")
AGED = Kind("data of 20 days, which a tighter limit would refuse", 0.05, None, _use_aged_data)
MISTAKES = (
    Kind("data older than 30 days", 0.04, "data_stale", _use_stale_data),
    Kind("a data version that nobody registered", 0.03, "data_version_unknown", _use_unknown_data),
    Kind("no data version", 0.01, "attribute_missing", _name_no_data),
    Kind("one data version in the header, another in the body", 0.01, "attribute_conflict", _contradict),
    Kind("no consent token", 0.02, "consent_missing", _send_no_token),
    Kind("an expired token", 0.01, "consent_expired", _let_token_expire),
    Kind("a token signed by a stranger", 0.01, "consent_invalid", _forge_token),
    Kind("consent to marketing only", 0.02, "consent_scope_mismatch", _consent_to_other),
    Kind("consent for other data", 0.01, "consent_data_mismatch", _consent_to_other_data),
    Kind("no consent scope", 0.01, "attribute_missing", _name_no_scope),
    Kind("half a body", 0.01, "body_malformed", _send_half_a_body),
    Kind("an attempt to unload the model", 0.01, "management_forbidden", _manage),
)


def kinds(count: int, seed: int) -> list[Kind]:
    """`count` kinds in random order, the same for the same seed: all but good ones by their share, at least once."""
    drawn = [kind for kind in (AGED, *MISTAKES) for _ in range(max(1, round(kind.share * count)))][:count]
    drawn += [GOOD] * (count - len(drawn))
    random.Random(seed).shuffle(drawn)  # noqa: S311 - which call makes which mistake is no secret
    return drawn


class Caller:
    """Makes calls for people: each with a token of its own, signed by the issuer."""

    def __init__(self, issuer: Issuer, stranger: Issuer, now_unix_s: float) -> None:
        self._issuer = issuer
        self._stranger = stranger
        self._now_unix_s = now_unix_s
        self._versions = data_versions(now_unix_s)
        self._made = 0

    def calls(self, applications: Sequence[Application], of_kinds: Sequence[Kind]) -> Iterator[Call]:
        """One call a kind, made when it is asked for; with fewer applications than kinds, people call again."""
        people = islice(cycle(applications), len(of_kinds))
        for person, kind in zip(people, of_kinds, strict=True):
            yield self._call(person, kind)

    def _call(self, application: Application, kind: Kind) -> Call:
        self._made += 1
        draft = Draft(
            versions=self._versions,
            headers={
                b"content-type": "application/json",
                b"x-data-version": self._versions.fresh,
                b"x-consent-scope": SCOPE,
            },
            claims=claims_of(application, self._made, self._now_unix_s),
            signer=self._issuer,
            stranger=self._stranger,
            path=INFER_PATH,
            body=_body(application),
        )
        kind.change(draft)
        if draft.claims is not None:
            draft.headers[b"x-consent-token"] = draft.signer.token(draft.claims)
        return Call(kind, application, draft.path, _wire(draft.headers), draft.body)


def _body(application: Application) -> bytes:
    tensors = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in zip(INPUTS, application.features, strict=True)
    ]
    return orjson.dumps({"inputs": tensors})


def _wire(headers: Mapping[bytes, str]) -> Headers:
    return tuple((name, value.encode()) for name, value in headers.items())
