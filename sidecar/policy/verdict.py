"""An engine's raw answer → a `Decision`, strictly: what is not exactly one is never an allow (contract 4).

Unknown keys are ignored, since the contract may grow; whatever is read must have its right type.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard, cast

import orjson

from sidecar.model.decision import OBLIGATION_TYPES, Decision, Obligation
from sidecar.model.facts import EXPLAIN_LIMIT_MS
from sidecar.model.reasons import Reason, in_order, policy_may_use
from sidecar.model.refusal import Refused, refused
from sidecar.policy.port import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.policy.port import Answer

TEXT_LIMIT_BYTES = 512
"""Longer messages and remedies are cut, so that an audit record stays within its limit (contract 7)."""
NAME_LIMIT_BYTES = 128
"""A rule's name beyond this is malformed."""
REASON_LIMIT = 32
"""Reasons beyond this many are dropped: the refusal stands, and the record stays within its limit."""
OBLIGATION_LIMIT = 32
"""More obligations are malformed: none may be dropped."""
FALLBACK_LIMIT_BYTES = 16_384
"""Outputs of more, as JSON, are malformed: they stand in the audit record, which has its limit."""
TTL_LIMIT_S = 1e9
"""No deadline lies thirty years ahead: beyond that the policy's arithmetic is wrong."""

MALFORMED = "policy_malformed"
"""The generated module itself gives this code: a guard is absent, misspelt or fails without a word."""

_NOTHING: list[object] = []


def verdict(answer: Answer) -> Decision:
    """The decision in an answer.

    Raises `Refused`: `policy_undefined` where the rule has no value, `policy_malformed` where it has a wrong
    one, and in the policy's own words where the policy found that it is malformed.
    """
    decision = read(answer)
    if decision.reasons:
        malformed = [reason for reason in decision.reasons if reason.code == MALFORMED]
        if malformed:
            raise Refused(*malformed)
    return decision


def read(answer: Answer) -> Decision:
    """The decision in an answer; that the policy calls itself malformed passes here, for activation."""
    value = answer.value
    if not isinstance(value, dict):
        raise _not_a_decision(value)
    fields = cast("dict[str, object]", value)
    allow = fields.get("allow")
    if allow is not True and allow is not False:
        raise _malformed("allow is not a boolean")
    if allow and _NOTHING == fields.get("reasons") == fields.get("shadow") == fields.get("obligations"):
        return Decision(allow, answer.revision, ttl_s=_ttl_s(fields))  # most answers, in a third less time
    reasons = _reasons(fields, "reasons")
    if allow is bool(reasons):
        raise _malformed("it allows and gives reasons" if allow else "it refuses without a reason")
    shadow = _reasons(fields, "shadow")
    return Decision(allow, answer.revision, reasons, shadow, _obligations(fields, allow=allow), _ttl_s(fields))


def _malformed(what: str) -> Refused:
    return refused(MALFORMED, f"the policy's decision is malformed: {what}")


def _not_a_decision(value: object) -> Refused:
    if value is UNDEFINED:
        return refused("policy_undefined", "the policy gave no decision for this input")
    return _malformed("it is not an object")


def _list(fields: Mapping[str, object], name: str) -> Sequence[object]:
    value = fields.get(name, _NOTHING)
    if not isinstance(value, list):
        raise _malformed(f"{name} is not a list")
    return cast("list[object]", value)


def _reasons(fields: Mapping[str, object], name: str) -> tuple[Reason, ...]:
    values = _list(fields, name)
    return in_order([_reason(value, name) for value in values])[:REASON_LIMIT] if values else ()


def _reason(value: object, name: str) -> Reason:
    if not isinstance(value, dict):
        raise _malformed(f"{name} holds something other than objects")
    fields = cast("dict[str, object]", value)
    code, message = fields.get("code"), fields.get("message")
    if not isinstance(code, str) or not isinstance(message, str):
        raise _malformed(f"{name} holds an object without code and message")
    if not policy_may_use(code) and code != MALFORMED:
        raise _malformed(f"{name} has a code that a policy may not use")
    return Reason(code, _cut(message), _rule(fields.get("rule"), name), _remedy(fields.get("remedy"), name))


def _rule(value: object, name: str) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value.encode()) > NAME_LIMIT_BYTES):
        raise _malformed(f"{name} has a rule that is not a short string")
    return value


def _remedy(value: object, name: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _malformed(f"{name} has a remedy that is not a string")
    return _cut(value)


def _cut(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= TEXT_LIMIT_BYTES:
        return text
    return encoded[: TEXT_LIMIT_BYTES - 3].decode(errors="ignore") + "…"


def _obligations(fields: Mapping[str, object], *, allow: bool) -> tuple[Obligation, ...]:
    values = _list(fields, "obligations")
    if len(values) > OBLIGATION_LIMIT:
        raise _malformed("too many obligations")
    return tuple([_obligation(value, allow=allow) for value in values]) if values else ()


def _obligation(value: object, *, allow: bool) -> Obligation:
    if not isinstance(value, dict):
        raise _malformed("obligations holds something other than objects")
    parameters = cast("dict[str, object]", value)
    kind = parameters.get("type")
    if not isinstance(kind, str) or kind not in OBLIGATION_TYPES:
        raise _malformed("it has an unknown obligation")
    if kind == "throttle" and not (_positive(parameters.get("rate_per_s")) and _positive(parameters.get("hold_s"))):
        raise _malformed("a throttle needs rate_per_s and hold_s, both positive numbers")
    if kind == "fallback":
        _check_fallback(parameters.get("outputs"), allow=allow)
    if kind == "require_explanation" and not _is_timeout(parameters.get("timeout_ms")):
        raise _malformed(f"timeout_ms is not a whole number from 1 to {EXPLAIN_LIMIT_MS}")
    kept = {name: item for name, item in parameters.items() if name != "type"}
    if "reasons" in kept:
        kept["reasons"] = [reason.as_json() for reason in _reasons(kept, "reasons")]
    return Obligation(kind, kept)


def _check_fallback(outputs: object, *, allow: bool) -> None:
    if not (allow and isinstance(outputs, list)):
        raise _malformed("a fallback needs a list of outputs, and goes with an allow")
    if len(orjson.dumps(outputs)) > FALLBACK_LIMIT_BYTES:
        raise _malformed(f"a fallback's outputs are over {FALLBACK_LIMIT_BYTES} bytes")


def _is_timeout(value: object) -> bool:
    """Of an obligation; None: it does not say."""
    return value is None or (type(value) is int and 1 <= value <= EXPLAIN_LIMIT_MS)


def _positive(value: object) -> bool:
    return _is_number(value) and 0 < value < math.inf


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) is int or type(value) is float  # so no boolean, which is an int


def _ttl_s(fields: Mapping[str, object]) -> float:
    value = fields.get("ttl_s", 0)
    if not _is_number(value) or not 0 <= value <= TTL_LIMIT_S:
        raise _malformed("ttl_s is not a number of seconds")
    return float(value)
