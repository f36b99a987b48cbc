"""What an allowed exchange must still do: obligations of contract 4."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from sidecar.model.reasons import Reason
from sidecar.model.refusal import refused
from sidecar.proxy.explaining import is_explanation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sidecar.fairness.throttle import Throttle
    from sidecar.model.decision import Decision, Obligation
    from sidecar.model.message import Response
    from sidecar.proxy.case import Case

FALLBACK_HEADER = (b"x-decision-fallback", b"true")


def replacement(case: Case, decision: Decision) -> Response | None:
    """The rule-based answer that takes the prediction's place, if the policy obliges us to give one.

    An obligation that cannot be met is `policy_malformed`: never an allow without it.
    """
    for obligation in decision.obligations:
        if obligation.type == "fallback":
            return _fallback(case, obligation)
    return None


def demands_explanation(decision: Decision | None) -> bool:
    """Whether a decision allows under the obligation `require_explanation`."""
    return decision is not None and any(one.type == "require_explanation" for one in decision.obligations)


def unmet(case: Case, decision: Decision) -> tuple[Reason, ...]:
    """Why the prediction cannot be released, although the response decision allows it.

    Either phase may require an explanation. A fallback needs none: it takes the place of the prediction.
    """
    if not (demands_explanation(case.decision) or demands_explanation(decision)):
        return ()
    explained = case.prediction is not None and is_explanation(case.prediction.explanation)
    if explained or any(one.type == "fallback" for one in decision.obligations):
        return ()
    return (Reason("explanation_missing", "the policy requires an explanation of this prediction, and there is none"),)


def _fallback(case: Case, obligation: Obligation) -> Response:
    outputs = obligation.parameters.get("outputs")
    inquiry = case.inquiry
    if inquiry is None or not isinstance(outputs, list):
        raise refused("policy_malformed", "the fallback obligation has no list of outputs")
    rows = cast("list[object]", outputs)
    if len(rows) != inquiry.call.instances:
        raise refused("policy_malformed", "the fallback obligation has not one output an instance")
    response = inquiry.protocol.render_fallback(inquiry.call, rows)
    if response is None:
        raise refused("policy_malformed", f"{inquiry.protocol.name} has no shape for a fallback")
    return type(response)(response.status, (*response.headers, FALLBACK_HEADER), response.body)


def arm_throttles(case: Case, decisions: Iterable[Decision | None], throttle: Throttle) -> list[dict[str, object]]:
    """Arms what the decisions ask for; returns the events to be audited (one for each newly armed)."""
    events: list[dict[str, object]] = []
    for decision in decisions:
        for obligation in decision.obligations if decision else ():
            if obligation.type != "throttle":
                continue
            rate_per_s = _positive(obligation, "rate_per_s")
            hold_s = _positive(obligation, "hold_s")
            armed = throttle.arm(case.model, case.version, rate_per_s, hold_s)
            if armed is not None:
                cause = {"decision_id": case.context.decision_id, "rule": obligation.parameters.get("rule")}
                events.append(armed.details() | cause)
    return events


def _positive(obligation: Obligation, name: str) -> float:
    value = obligation.parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise refused("policy_malformed", f"the throttle obligation's {name} is not a positive number")
    return float(value)
