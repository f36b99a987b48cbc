"""Every reason for which an exchange is refused, with its status: contract, section 6.

A code is the same word in the response body, the metric label, the audit record and `docs/reasons.md`,
which is generated from `CATALOGUE`.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ReasonClass(enum.IntEnum):
    """Who must act. In the contract's order: with several reasons the least value gives the status."""

    ENGINE = 0
    CLIENT = 1
    TOKEN = 2
    POLICY = 3
    UPSTREAM = 4


@dataclass(frozen=True, slots=True)
class ReasonKind:
    """What is known beforehand of one reason code."""

    code: str
    group: ReasonClass
    status: int
    title: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of one refusal (or, in shadow, of one that would have been).

    `rule` names the guard that found it, or None where the sidecar itself did.
    """

    code: str
    message: str
    rule: str | None = None
    remedy: str | None = None

    def as_json(self) -> dict[str, str]:
        """The shape of `reasons[]` in problem bodies and audit records; absent parts are left out."""
        shape = {"code": self.code, "message": self.message}
        if self.rule is not None:
            shape["rule"] = self.rule
        if self.remedy is not None:
            shape["remedy"] = self.remedy
        return shape


def _kinds(group: ReasonClass, *rows: tuple[str, int, str, str]) -> tuple[ReasonKind, ...]:
    return tuple(ReasonKind(code, group, status, title, remedy) for code, status, title, remedy in rows)


_ENGINE = _kinds(
    ReasonClass.ENGINE,
    (
        "policy_unavailable",
        503,
        "The policy engine cannot be reached",
        "Retry; operators: is the engine running?",
    ),
    (
        "policy_timeout",
        503,
        "The policy engine did not answer in time",
        "Retry; operators: see --policy-timeout-ms",
    ),
    ("policy_undefined", 503, "The policy gave no decision", "Operators: run `sidecar check` on the policy"),
    (
        "policy_malformed",
        503,
        "The policy's decision is not one",
        "Operators: run `sidecar check` on the policy",
    ),
    (
        "policy_too_old",
        503,
        "The policy has not been refreshed for too long",
        "Operators: see the bundle source",
    ),
    (
        "policy_rolled_back",
        503,
        "The policy is older than one seen before",
        "Operators: publish a new sequence",
    ),
    ("revision_skew", 503, "The policy's revision kept changing", "Retry"),
    ("audit_unavailable", 503, "The audit record cannot be written", "Operators: see the audit volume"),
    ("overloaded", 503, "Too much work in flight", "Retry later, with back-off"),
    ("sidecar_failed", 503, "The sidecar itself failed", "Retry; operators: its log has the decision id"),
    ("shutting_down", 503, "The sidecar is stopping", "Retry: another replica will answer"),
)
_CLIENT = _kinds(
    ReasonClass.CLIENT,
    (
        "http_malformed",
        400,
        "The request is not acceptable HTTP/1.1",
        "Send what RFC 9112 allows, unambiguously",
    ),
    ("header_forbidden", 400, "A header that may not pass", "Remove the header"),
    ("attribute_missing", 400, "A governed attribute is missing", "Send the header, e.g. X-Data-Version"),
    ("attribute_conflict", 400, "Two sources of an attribute disagree", "Send the attribute once"),
    ("attribute_malformed", 400, "A governed attribute is malformed", "Send one value of at most 256 bytes"),
    ("attribute_truncated", 400, "An attribute lies beyond what may be read", "Send it as a header"),
    ("body_malformed", 400, "The body is not what it claims to be", "Send a body in the protocol's form"),
    ("endpoint_unknown", 404, "No such endpoint here", "Use an inference endpoint of the model server"),
    ("method_not_allowed", 405, "The endpoint does not take this method", "Use a method that Allow lists"),
    ("request_timeout", 408, "The request took too long to arrive", "Send the whole request faster"),
    ("request_aborted", 408, "The client went away before an answer", "Wait for the answer"),
    ("body_too_large", 413, "The body is over the limit", "Send less; operators: see --body-limit"),
    ("instances_too_many", 413, "Too many instances in one request", "Split the batch"),
    ("media_type_unsupported", 415, "The body's media type or coding is not taken", "Send application/json"),
    ("headers_too_large", 431, "The header section is over the limit", "Send fewer or shorter headers"),
)
_TOKEN = _kinds(
    ReasonClass.TOKEN,
    ("consent_missing", 401, "No consent token", "Send a consent token in X-Consent-Token"),
    (
        "consent_invalid",
        401,
        "The consent token cannot be accepted",
        "Get a token from the configured issuer",
    ),
    ("consent_expired", 401, "The consent token has expired", "Get a fresh token"),
)
_POLICY = _kinds(
    ReasonClass.POLICY,
    ("data_version_unknown", 403, "The data version is not registered", "Register the data version"),
    ("model_unknown", 403, "The model is not registered", "Register the model in the policy's data"),
    ("data_stale", 403, "The data is older than the model allows", "Use a fresher data version"),
    ("data_in_future", 403, "The data version claims to come from the future", "Correct its creation time"),
    ("consent_scope_mismatch", 403, "The token does not grant the scope", "Get consent for the scope"),
    (
        "consent_data_mismatch",
        403,
        "Consent and data version do not fit",
        "Use the data that was consented to",
    ),
    ("consent_revoked", 403, "The consent was revoked", "Do not use this person's data"),
    ("instances_exceed_consent", 403, "More instances than the token covers", "Send one request per person"),
    ("score_out_of_band", 403, "A score lies outside its group's band", "Ask the model's owner"),
    ("group_mean_out_of_band", 403, "A group's live mean left its band", "Ask the model's owner"),
    ("group_mean_missing", 403, "No mean is known for a group", "Add the group's mean to the policy's data"),
    ("group_unknown", 403, "A protected group is not one of the model's", "Send one of the model's groups"),
    ("disparate_impact", 403, "The model's positive rates differ too much", "Ask the model's owner"),
    ("explanation_missing", 403, "The prediction came without explanation", "Ask the model's owner"),
    ("management_forbidden", 403, "Management endpoints do not pass", "Manage the model server directly"),
    ("stream_forbidden", 403, "Streamed answers of this model do not pass", "Ask for a whole answer"),
    (
        "shared_memory_forbidden",
        403,
        "Tensors in shared memory cannot be judged",
        "Send the tensors in the body",
    ),
    ("model_throttled", 429, "The model is throttled", "Retry after the time given"),
)
_UPSTREAM = _kinds(
    ReasonClass.UPSTREAM,
    ("upstream_unreachable", 502, "The model server cannot be reached", "Retry; operators: is it running?"),
    ("upstream_malformed", 502, "The model server's answer is not acceptable HTTP", "Operators: see its log"),
    ("response_too_large", 502, "The model server's answer is over the limit", "Operators: see --body-limit"),
    ("prediction_unreadable", 502, "The prediction cannot be read", "Operators: does `read` fit the model?"),
    ("upstream_timeout", 504, "The model server did not answer in time", "Retry; operators: see its load"),
)

CATALOGUE: dict[str, ReasonKind] = {kind.code: kind for kind in (*_ENGINE, *_CLIENT, *_TOKEN, *_POLICY, *_UPSTREAM)}
"""Code to kind, in the contract's order."""

_ORDER = {code: index for index, code in enumerate(CATALOGUE)}
_AUTHORED = re.compile(r"[a-z][a-z0-9_]{0,63}")


def kind_of(code: str) -> ReasonKind:
    """The catalogue's entry; a code that policy authors added is a policy denial with status 403."""
    known = CATALOGUE.get(code)
    return known or ReasonKind(code, ReasonClass.POLICY, 403, "Refused by policy", "See the policy's documentation")


def policy_may_use(code: str) -> bool:
    """Contract 6: a policy may use `attribute_missing`, token, policy and its own codes."""
    known = CATALOGUE.get(code)
    if known is None:
        return _AUTHORED.fullmatch(code) is not None
    return code == "attribute_missing" or known.group in (ReasonClass.TOKEN, ReasonClass.POLICY)


def leading(reasons: Iterable[Reason]) -> ReasonKind:
    """The kind that gives the status: the highest class, and within it the catalogue's first."""
    kinds = (kind_of(reason.code) for reason in reasons)
    return min(kinds, key=lambda kind: (kind.group, _ORDER.get(kind.code, len(_ORDER)), kind.code))


def in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Reasons without repeats, sorted: by class, then code, rule and message."""
    unique = {(kind_of(r.code).group, r.code, r.rule or "", r.message): r for r in reasons}
    return tuple(unique[key] for key in sorted(unique))
