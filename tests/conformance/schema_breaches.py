"""What each schema must refuse beyond a missing member or a wrong type: single changes to valid examples."""

from __future__ import annotations

from typing import Any

from tests.conformance.schema_set import GONE

Breach = tuple[str, Any]

UNKNOWN_TOKEN: dict[str, Any] = {
    "status": "invalid",
    "issuer": None,
    "subject": None,
    "token_id": None,
    "scopes": [],
    "expires_unix_s": None,
    "data_version": None,
}
_CLAIMS: dict[str, Any] = {
    "issuer": "https://issuer.example",
    "subject": "ab" * 32,
    "token_id": "ab" * 32,
    "scopes": ["credit_scoring"],
    "expires_unix_s": 1_795_303_600,
    "data_version": "loans-2026-11-20",
}

CALL: list[Breach] = [
    ("", []),
    ("/api", "sidecar/v2"),
    ("/phase", "REQUEST"),
    ("/endpoint/protocol", ""),
    ("/endpoint/operation", ""),
    ("/endpoint/model", ""),
    ("/endpoint/version", ""),
    ("/request/method", "POST /"),
    ("/request/headers", {"x-team": "risk"}),
    ("/request/headers", {"x-team": []}),
    ("/request/headers", {"x-team": [1]}),
    ("/request/headers", {"X-Team": ["risk"]}),
    ("/request/headers", {"x-consent-token": ["secret"]}),
    ("/attributes/data_version/value", None),  # and yet present
    ("/attributes/data_version/value", ""),
    ("/attributes/data_version/value", "a,b"),
    ("/attributes/data_version/value", "x" * 257),
    ("/attributes/data_version", {"value": None, "status": "found", "source": None}),
    ("/attributes/data_version/status", "conflict"),  # and yet with a value
    ("/attributes/data_version/source", None),
    ("/attributes/data_version/source", "X-Data-Version"),
    ("/attributes/consent_scope/value", "a,b"),
    ("/attributes/groups/value", None),
    ("/attributes/groups/value", []),
    ("/attributes/groups/value", [""]),
    ("/attributes/groups/value", ["x" * 257]),
    ("/attributes/explanation", {}),
    ("/attributes/explanation", {"required": "yes"}),
    ("/consent", UNKNOWN_TOKEN | {"status": "revoked"}),
    ("/consent/status", "expired"),  # and yet with claims
    ("/consent/issuer", None),
    ("/consent/subject", None),
    ("/consent/subject", "alice"),
    ("/consent/token_id", "AB" * 32),
    ("/consent/scopes", [""]),
    ("/consent/expires_unix_s", None),
    *(("/consent", UNKNOWN_TOKEN | {claim: value}) for claim, value in _CLAIMS.items()),
    ("/instances", 0),
    ("/instances", 1.5),
]

REQUEST: list[Breach] = [*CALL, ("/prediction", {"status": 200}), ("/window", {"state": "ok"})]

RESPONSE: list[Breach] = [
    *CALL,
    ("/phase", "request"),
    ("/prediction", None),
    ("/prediction/status", 101),
    ("/prediction/status", 500),
    ("/prediction/scores", []),
    ("/prediction/labels", []),
    ("/window", None),
    ("/window/state", "stale"),
    ("/window/span_s", -1),
    ("/window/groups/a/n", -1),
    ("/window/groups/a/n", 1.5),
    ("/window/groups/a/positive_rate", -0.1),
    ("/window/groups/a/positive_rate", 1.1),
    ("/window/disparate_impact/ratio", "1.2"),
    ("/window/disparate_impact/ratio", -1),
    ("/window/disparate_impact/lower", -1),
]

DECISION: list[Breach] = [
    ("", True),
    ("", None),
    ("", []),
    ("/allow", "false"),
    ("/allow", None),
    ("/allow", True),  # and yet with reasons
    ("/reasons", []),
    ("/reasons/0/code", "Data stale"),
    ("/reasons/0/code", "x" * 65),
    ("/reasons/0/code", "upstream_timeout"),
    ("/reasons/0/message", "x" * 513),
    ("/reasons/0/remedy", "x" * 513),
    ("/shadow/0/code", "overloaded"),
    ("/obligations/0/type", "ignore"),
    ("/obligations/0/rate_per_s", 0),
    ("/obligations/0/hold_s", -1),
    ("/obligations/0", {"type": "fallback"}),
    ("/obligations/0", {"type": "fallback", "outputs": []}),
    ("/obligations/0", {"type": "fallback", "outputs": "deny"}),
    ("/obligations/0", {"type": "fallback", "outputs": ["deny"], "by": None}),
    ("/obligations/0", {"type": "require_explanation", "timeout_ms": 0}),
    ("/ttl_s", -1),
]

MODEL: list[Breach] = [
    ("/models/credit/unknown_group", "skip_band"),  # with a header as group source
    ("/models/credit/read/score", "score"),
    ("/models/credit/read/label", "label"),
    ("/models/credit/read/label", GONE),  # which the positive outcome needs
    ("/models/credit/read/label", None),
    ("/models/credit/read/explanation", "header:X-Explanation"),
    ("/models/credit/read/features", ["income"]),
    ("/models/credit/read/features", {"income": "income"}),
    ("/models/credit/read/group", "header:X-Group"),
    ("/models/credit/read", {"positive": {"score_at_least": 0.5}}),
    ("/models/credit/read", {"positive": {"score_at_least": 0.5}, "score": None}),
    ("/models/credit/read/positive", {}),
    ("/models/credit/read/positive", {"label": "approve", "score_at_least": 0.5}),
    ("/models/credit/read/positive", {"score_at_least": "0.5"}),
    ("/models/credit/read/score_range", [0]),
    ("/models/credit/read/score_range", [0, 1, 2]),
    ("/models/credit/batch", "yes"),
    ("/models/credit/stream", "pass"),
    ("/models/credit/read/score", "input:income"),
    ("/models/credit/read/label", "first_number"),
    ("/models/credit/read/features", {f"x{number}": "input:x" for number in range(65)}),
    ("/models/credit/explain", True),
    ("/models/credit/explain", {}),
    ("/models/credit/explain", {"timeout_ms": 0}),
    ("/models/credit/explain", {"timeout_ms": 30_001}),
    ("/models/credit/explain", {"timeout_ms": 500, "read": "input:income"}),
]

DATA: list[Breach] = [
    *MODEL,
    ("", []),
    ("/sidecar", {"decision": {"allow": True}}),
    ("/guards", {"consent": {"request": {"pass": True}}}),
    ("/lib", {}),
    ("/x", 1),
    ("/models/credit/max_age_days", 0),
    ("/models/credit/required_scopes", [""]),
    ("/models/credit/required_scopes", ["research", "research"]),
    ("/models/credit/instances_per_token", 0),
    ("/models/credit/instances_per_token", 1.5),
    ("/models/credit/groups", [""]),
    ("/models/credit/groups", ["a", "a"]),
    ("/models/credit/unknown_group", "allow"),
    ("/models/credit/band", -0.1),
    ("/models/credit/band", 10),
    ("/models/credit/disparate_impact_max", 0.8),
    ("/models/credit/rules/consent", "Shadow"),
    ("/models/credit/rules/consent", "enforced"),
    ("/models/credit/mitigation/fairness_band/action", "ignore"),
    ("/models/credit/mitigation/fairness_band", {"action": "fallback", "by": ["credit_scoring"]}),
    ("/models/credit/mitigation/fairness_band", {"action": "fallback", "by": "credit_scoring", "outputs": [{}]}),
    ("/models/credit/mitigation/fairness_band", {"action": "fallback", "outputs": []}),
    ("/models/credit/mitigation/disparate_impact/rate_per_s", 0),
    ("/models/credit/mitigation/disparate_impact/hold_s", 0),
    ("/datasets/loans-2026-11-20/consent_scopes", [""]),
    ("/datasets/loans-2026-11-20/consent_scopes", ["research", "research"]),
    ("/datasets/loans-2026-11-20/parents", [1]),
    ("/datasets/loans-2026-11-20/parents", [""]),
    ("/datasets/loans-2026-11-20/parents", ["loans-2026-10-20", "loans-2026-10-20"]),
    *(
        (f"/datasets/{name}", {"created_unix_s": 1, "consent_scopes": []})
        for name in ("", "a,b", "x" * 257)  # no header could say it
    ),
    ("/revocations/subjects", {"alice": True}),
    ("/revocations/subjects", {"ab" * 32: False}),
    ("/revocations/tokens", {"ab" * 32: False}),
    ("/objections/subjects", {"alice": True}),
    ("/revocations/after", 3),
    ("/revocations/earlier", {"number": 3, "tokens": {}}),
    ("/revocations/earlier", {"number": -1, "tokens": {}, "subjects": {}}),
    *(
        ("/revocations/earlier", {"number": 3, "tokens": packed, "subjects": {}})
        for packed in ({"ab1": "c" * 28}, {"ab12": "c" * 27}, {"ab12": ""}, {"ab12": {"c" * 28: 1}})
    ),
]

FACTS: list[Breach] = [
    *MODEL,
    ("", None),
    ("/guards/consent", []),
    ("/guards/consent", ["before"]),
    ("/guards/consent", ["request", "request"]),
    ("/absent", [1]),
    ("/absent", ["consent.request", "consent.request"]),
    ("/bundles/data/sequence", -1),
    ("/bundles/data/sequence", 1.5),
    ("/bundles", {f"b{number}": {} for number in range(65)}),
]

READY: list[Breach] = [
    ("", "ready"),
    ("/ready", False),
    ("/listen", "127.0.0.1"),
    ("/listen", "127.0.0.1:0"),
    ("/listen", "::1:8090"),
    ("/admin", "[::1]"),
    ("/engine", "auto"),
    ("/policy_revision", ""),
]

PROBLEM: list[Breach] = [
    ("", "refused"),
    ("/type", "data_stale"),
    ("/type", "about:blank"),
    ("/title", ""),
    ("/status", 200),
    ("/status", 500),
    ("/detail", ""),
    ("/decision_id", "1"),
    ("/reasons", []),
    ("/reasons", [{"code": "data_stale", "message": "old", "remedy": "wait"}] * 2),
    ("/reasons/0/code", "Data-Stale"),
    ("/error", 1),
]

BREACHES: dict[str, list[Breach]] = {
    "policy-input-request": REQUEST,
    "policy-input-response": RESPONSE,
    "decision": DECISION,
    "data": DATA,
    "facts": FACTS,
    "problem": PROBLEM,
    "ready-line": READY,
}
"""By example."""
