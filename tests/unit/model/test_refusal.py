from __future__ import annotations

from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused, refused


def test_a_refusal_carries_its_reasons_and_headers() -> None:
    first, second = Reason("overloaded", "full"), Reason("method_not_allowed", "not GET")
    refusal = Refused(first, second, retry_after_s=3, allow=("POST",))
    assert (refusal.reasons, refusal.retry_after_s, refusal.allow) == ((first, second), 3, ("POST",))
    assert str(refusal) == "overloaded: full, method_not_allowed: not GET"


def test_a_single_reason() -> None:
    refusal = refused("model_throttled", "credit is throttled", retry_after_s=7)
    assert refusal.reasons == (Reason("model_throttled", "credit is throttled"),)
    assert (refusal.retry_after_s, refusal.allow) == (7, ())
    assert refused("overloaded", "full").retry_after_s is None
