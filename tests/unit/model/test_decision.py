from __future__ import annotations

from sidecar.model.decision import OBLIGATION_TYPES, Decision, Obligation, flagging
from sidecar.model.reasons import Reason


def test_the_record_has_all_of_a_decision_but_its_revision() -> None:
    decision = Decision(
        allow=False,
        revision="r1",
        reasons=(Reason("data_stale", "80 days old", "staleness", "use fresher data"),),
        shadow=(Reason("score_out_of_band", "1 of 1 scores", "fairness_band"),),
        obligations=(Obligation("throttle", {"rate_per_s": 1, "hold_s": 300}),),
        ttl_s=2.5,
    )
    assert decision.as_json() == {
        "allow": False,
        "reasons": [
            {
                "code": "data_stale",
                "rule": "staleness",
                "message": "80 days old",
                "remedy": "use fresher data",
            }
        ],
        "shadow": [{"code": "score_out_of_band", "rule": "fairness_band", "message": "1 of 1 scores"}],
        "obligations": [{"type": "throttle", "rate_per_s": 1, "hold_s": 300}],
        "ttl_s": 2.5,
    }


def test_a_bare_allow() -> None:
    assert Decision(allow=True, revision="r1").as_json() == {
        "allow": True,
        "reasons": [],
        "shadow": [],
        "obligations": [],
        "ttl_s": 0.0,
    }


def test_the_obligations_are_the_contracts() -> None:
    assert {"throttle", "fallback", "flag_review", "require_explanation"} == OBLIGATION_TYPES


def test_the_rules_that_flag_are_told_whatever_was_decided() -> None:
    flag, nameless = Obligation("flag_review", {"rule": "staleness"}), Obligation("flag_review", {})
    throttle = Obligation("throttle", {"rule": "disparate_impact", "rate_per_s": 1, "hold_s": 1})
    allow = Decision(allow=True, revision="r1", obligations=(throttle, flag))
    deny = Decision(allow=False, revision="r1", obligations=(nameless, Obligation("flag_review", {"rule": ["x"]})))
    assert list(flagging(allow, None, deny)) == ["staleness", None, None]
