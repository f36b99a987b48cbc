from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.decision import Decision, Obligation
from sidecar.model.facts import EXPLAIN_LIMIT_MS
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.policy.port import UNDEFINED, Answer
from sidecar.policy.verdict import (
    FALLBACK_LIMIT_BYTES,
    OBLIGATION_LIMIT,
    REASON_LIMIT,
    TEXT_LIMIT_BYTES,
    read,
    verdict,
)

STALE = {"code": "data_stale", "rule": "staleness", "message": "80 days old", "remedy": "Use newer data."}
MALFORMED = {"code": "policy_malformed", "rule": "consent", "message": "the guard is absent"}


def allow(**fields: object) -> Answer:
    return Answer({"allow": True} | fields, "r1")


def deny(*reasons: object, **fields: object) -> Answer:
    return Answer({"allow": False, "reasons": list(reasons)} | fields, "r1")


def codes(answer: Answer) -> list[str]:
    with pytest.raises(Refused) as raised:
        verdict(answer)
    return [reason.code for reason in raised.value.reasons]


def test_an_allow_with_everything() -> None:
    throttle = {"type": "throttle", "rate_per_s": 1, "hold_s": 300, "rule": "disparate_impact"}
    answer = allow(reasons=[], shadow=[STALE], obligations=[throttle, {"type": "flag_review"}], ttl_s=4.5, new_key=1)
    assert verdict(answer) == Decision(
        allow=True,
        revision="r1",
        shadow=(Reason("data_stale", "80 days old", "staleness", "Use newer data."),),
        obligations=(
            Obligation("throttle", {"rate_per_s": 1, "hold_s": 300, "rule": "disparate_impact"}),
            Obligation("flag_review", {}),
        ),
        ttl_s=4.5,
    )


def test_a_denial_with_its_reasons_in_order() -> None:
    missing = {"code": "consent_missing", "message": "no token", "remedy": ""}
    assert verdict(deny(STALE, missing, STALE)) == Decision(
        allow=False,
        revision="r1",
        reasons=(
            Reason("consent_missing", "no token"),
            Reason("data_stale", "80 days old", "staleness", "Use newer data."),
        ),
    )


def test_undefined_has_its_own_reason() -> None:
    assert codes(Answer(UNDEFINED, "r1")) == ["policy_undefined"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        [],
        "allow",
        {},
        {"allow": 1},
        {"allow": "true"},
        {"allow": None},
        {"allow": True, "reasons": None},
        {"allow": True, "reasons": {}},
        {"allow": True, "reasons": [STALE]},
        {"allow": False},
        {"allow": False, "reasons": []},
        {"allow": False, "reasons": ["data_stale"]},
        {"allow": False, "reasons": [{"code": "data_stale"}]},
        {"allow": False, "reasons": [{"message": "80 days old"}]},
        {"allow": False, "reasons": [STALE | {"code": 403}]},
        {"allow": False, "reasons": [STALE | {"message": None}]},
        {"allow": False, "reasons": [STALE | {"rule": 1}]},
        {"allow": False, "reasons": [STALE | {"rule": "r" * 129}]},
        {"allow": False, "reasons": [STALE | {"remedy": []}]},
        {"allow": False, "reasons": [STALE | {"code": "policy_unavailable"}]},
        {"allow": False, "reasons": [STALE | {"code": "upstream_timeout"}]},
        {"allow": False, "reasons": [STALE | {"code": "Not A Code"}]},
        {"allow": True, "shadow": None},
        {"allow": True, "shadow": [1]},
        {"allow": True, "shadow": [STALE | {"code": "overloaded"}]},
        {"allow": True, "obligations": None},
        {"allow": True, "obligations": {"type": "flag_review"}},
        {"allow": True, "obligations": ["flag_review"]},
        {"allow": True, "obligations": [{}]},
        {"allow": True, "obligations": [{"type": "explode"}]},
        {"allow": True, "obligations": [{"type": ["flag_review"]}]},
        {"allow": True, "obligations": [{"type": "flag_review"}] * (OBLIGATION_LIMIT + 1)},
        {"allow": True, "obligations": [{"type": "flag_review", "reasons": ["x"]}]},
        {"allow": True, "obligations": [{"type": "throttle"}]},
        {"allow": True, "obligations": [{"type": "throttle", "rate_per_s": 0, "hold_s": 1}]},
        {"allow": True, "obligations": [{"type": "throttle", "rate_per_s": True, "hold_s": 1}]},
        {"allow": True, "obligations": [{"type": "throttle", "rate_per_s": 1, "hold_s": float("inf")}]},
        {"allow": True, "obligations": [{"type": "fallback"}]},
        {"allow": True, "obligations": [{"type": "fallback", "outputs": ["x" * FALLBACK_LIMIT_BYTES]}]},
        {"allow": True, "obligations": [{"type": "require_explanation", "timeout_ms": 0}]},
        {"allow": True, "obligations": [{"type": "require_explanation", "timeout_ms": EXPLAIN_LIMIT_MS + 1}]},
        {"allow": True, "obligations": [{"type": "require_explanation", "timeout_ms": True}]},
        {"allow": True, "obligations": [{"type": "require_explanation", "timeout_ms": 1.0}]},
        {"allow": True, "obligations": [{"type": "require_explanation", "timeout_ms": "500"}]},
        {"allow": False, "reasons": [STALE], "obligations": [{"type": "fallback", "outputs": []}]},
        {"allow": True, "ttl_s": None},
        {"allow": True, "ttl_s": True},
        {"allow": True, "ttl_s": "5"},
        {"allow": True, "ttl_s": -1},
        {"allow": True, "ttl_s": float("nan")},
        {"allow": True, "ttl_s": 1e10},
    ],
    ids=json.dumps,
)
def test_whatever_else_is_malformed(value: object) -> None:
    assert codes(Answer(value, "r1")) == ["policy_malformed"]


def test_what_the_policy_calls_malformed_keeps_its_words_and_leaves_the_rest() -> None:
    with pytest.raises(Refused) as raised:
        verdict(deny(STALE, MALFORMED))
    assert raised.value.reasons == (Reason("policy_malformed", "the guard is absent", "consent"),)
    assert read(deny(MALFORMED)).reasons == (Reason("policy_malformed", "the guard is absent", "consent"),)


def test_a_guard_in_shadow_may_be_malformed() -> None:
    assert verdict(allow(shadow=[MALFORMED])).allow


def test_long_texts_are_cut_between_characters() -> None:
    (reason,) = verdict(deny(STALE | {"message": "ä" * 600, "remedy": "b" * 600})).reasons
    assert reason.message == "ä" * 254 + "…"
    assert reason.remedy == "b" * 509 + "…"


def test_an_author_may_not_flood_the_record_with_reasons() -> None:
    decision = verdict(deny(*[STALE | {"message": f"number {number}"} for number in range(100)]))
    assert len(decision.reasons) == REASON_LIMIT


@pytest.mark.parametrize(
    "obligation",
    [
        {"type": "require_explanation"},
        {"type": "require_explanation", "timeout_ms": 1},
        {"type": "require_explanation", "timeout_ms": EXPLAIN_LIMIT_MS},
        {"type": "fallback", "by": "credit_scoring", "outputs": ["x" * (FALLBACK_LIMIT_BYTES - 4)]},
    ],
)
def test_obligations_within_their_bounds(obligation: dict[str, object]) -> None:
    (found,) = verdict(allow(obligations=[obligation])).obligations
    assert found.as_json() == obligation


def test_reasons_within_an_obligation_are_bounded_too() -> None:
    flag = {"type": "flag_review", "reasons": [STALE | {"message": "c" * 600}]}
    (obligation,) = verdict(allow(obligations=[flag])).obligations
    (reason,) = obligation.as_json()["reasons"]
    assert reason == STALE | {"message": "c" * (TEXT_LIMIT_BYTES - 3) + "…"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["allow", "reasons", "shadow", "obligations", "ttl_s"])


@given(JSON | st.dictionaries(NAMES, JSON))
def test_any_value_is_a_decision_or_refused_and_only_true_allows(value: object) -> None:
    try:
        decision = verdict(Answer(value, "r1"))
    except Refused as refusal:
        codes = {reason.code for reason in refusal.reasons}
    else:
        codes = {"policy_malformed"}
        assert isinstance(value, dict)
        assert value["allow"] is decision.allow
        assert decision.allow is not bool(decision.reasons)
    assert codes == {"policy_malformed"}
