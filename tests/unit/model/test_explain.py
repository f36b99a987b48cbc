from __future__ import annotations

from sidecar.model.explain import ExplainCall


def test_the_intent_names_the_call() -> None:
    call = ExplainCall("/v1/models/credit:explain", 500)
    assert call.as_json() == {"method": "POST", "path": "/v1/models/credit:explain", "timeout_ms": 500}
