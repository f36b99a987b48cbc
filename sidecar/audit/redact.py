"""What may stand in a record: no body, no token, no name of a person.

Subject, token id, features and explanation become HMACs under the period's salt; the client's address is cut
to its network; messages are bounded. Scores, labels and attributes stay: rules read them at replay.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.model.refusal import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.audit.salts import Salt
    from sidecar.model.decision import Decision
    from sidecar.model.question import Question

MESSAGE_LIMIT_BYTES = 512
BRIEF_REASONS = 16
"""How many reasons and shadow reasons a reduced record keeps."""

Shape = dict[str, object]


def request_input(question: Question, salt: Salt) -> Shape:
    """The request phase's policy input."""
    shape = question.as_input()
    source = cast("Mapping[str, Any] | None", shape.get("source"))
    if source:
        shape["source"] = {**source, "address": network_of(source.get("address"))}
    consent = cast("Mapping[str, Any] | None", shape.get("consent"))
    if consent:
        shape["consent"] = {
            **consent,
            "subject": _pseudonym(consent.get("subject"), salt),
            "token_id": _pseudonym(consent.get("token_id"), salt),
        }
    return shape


def response_input(question: Question, salt: Salt) -> Shape:
    """The response phase's policy input less what INTENT has, and less `window`, which stands beside it."""
    prediction = cast("Mapping[str, Any] | None", question.shape.get("prediction"))
    shape: Shape = {"phase": question.shape.get("phase"), "time": {"unix_s": question.unix_s}}
    if prediction:
        shape["prediction"] = {
            **prediction,
            "features": _digest(prediction.get("features"), salt),
            "explanation": _digest(prediction.get("explanation"), salt),
        }
    return shape


def decision_shape(decision: Decision) -> Shape:
    """A decision with its messages and remedies bounded."""
    shape = decision.as_json()
    if decision.reasons or decision.shadow:
        for part in ("reasons", "shadow"):
            for reason in cast("list[dict[str, str]]", shape[part]):
                _bound(reason)
    return shape


def brief_decision(decision: Decision) -> Shape:
    """A decision cut to what fits into any record."""
    shape = decision_shape(decision)
    for part in ("reasons", "shadow"):
        shape[part] = cast("list[object]", shape[part])[:BRIEF_REASONS]
    return {**shape, "obligations": []}


@lru_cache(maxsize=4_096)
def network_of(address: str | None) -> str | None:
    """An address cut to its /24 or /48; None for a Unix socket's peer or what is no address."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def serialise(value: object, option: int = 0) -> bytes:
    """A value as JSON; raises `Refused` audit_unavailable for what is not JSON and so cannot be recorded."""
    try:
        return orjson.dumps(value, option=option)
    except TypeError as error:  # the base of orjson.JSONEncodeError
        raise refused("audit_unavailable", "the audit record is not JSON") from error


def _pseudonym(value: str | None, salt: Salt) -> str | None:
    return None if value is None else salt.digest(value.encode())


def _digest(value: object, salt: Salt) -> str | None:
    """A JSON value's digest, whatever the order of its keys."""
    return None if value is None else salt.digest(serialise(value, orjson.OPT_SORT_KEYS))


def _bound(reason: dict[str, str]) -> None:
    for name in ("message", "remedy"):
        text = reason.get(name, "")
        if len(text) * 4 > MESSAGE_LIMIT_BYTES:
            reason[name] = text.encode(errors="replace")[:MESSAGE_LIMIT_BYTES].decode(errors="ignore")
