"""What the schema of records must refuse beyond missing members and wrong types, as changes to real records."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.schema_breaches import Breach

ALLOW = {"allow": True, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 0}

RECORD: list[Breach] = [
    ("", []),
    ("/v", 2),
    ("/log", ""),
    ("/kind", "PERMIT"),
    ("/kind", "intent"),
    ("/sequence", -1),
    ("/sequence", 0.5),
    ("/time_unix_ns", -1),
    ("/time_unix_ns", 1_795_300_000.5),
]

EXCHANGE: list[Breach] = [
    *RECORD,
    ("/decision_id", "0123"),
    ("/decision_id", None),
    ("/request_id", ""),
    ("/request_id", "a b"),
    ("/request_id", "x" * 129),
    ("/trace_id", "0" * 32),
    ("/salt", "today"),
]

OPENING: list[Breach] = [
    *EXCHANGE,
    ("/kind", "OUTCOME"),
    ("/parent_span_id", "b"),
    ("/mode", "off"),
    ("/request/path", "/" + "x" * 256),
    ("/source/address", "2001:db8::1"),
    ("/input/phase", "response"),
    ("/input/instances", 0),
    ("/input/source/address", "10.1.2.3"),
    ("/input/source/address", "10.1.2.3/32"),
    ("/input/consent/subject", "alice"),
    ("/decision", None),
    ("/policy_revision", ""),
    ("/engine", "auto"),
    ("/request_digest", "the body"),
]

RECORD_BREACHES: dict[str, list[Breach]] = {
    "INTENT": [
        *OPENING,
        ("/endpoint", None),
        ("/explain", True),
        ("/explain/path", None),
        ("/explain/timeout_ms", 0),
        ("/explain/method", 1),
    ],
    "REFUSAL": [
        *OPENING,
        ("/status", 200),
        ("/status", 600),
        ("/decision", ALLOW),
        ("/decision/reasons", []),
        ("/decision/reasons/0/code", "Not a code"),
        ("/reduced", False),
    ],
    "OUTCOME": [
        *EXCHANGE,
        ("/kind", "INTENT"),
        ("/result", "allowed"),
        ("/result", "unknown"),  # and yet with a status
        ("/status", None),  # and yet released
        ("/status", 101),
        ("/status", 600),
        ("/input/phase", "request"),
        ("/input/prediction/features", {"income": 1}),
        ("/input/prediction/explanation", "high income"),
        ("/policy_revision", ""),
        ("/window/state", "stale"),
        ("/positive", [-1]),
        ("/positive", [True]),
        ("/positive", [0, 0]),
        ("/response_digest", "00"),
        ("/stage_us", {"upstream": -1}),
        ("/stage_us", {"upstream": 1.5}),
        ("/reduced", False),
    ],
    "REFUSAL_SUMMARY": [
        *RECORD,
        ("/kind", "EVENT"),
        ("/count", 0),
        ("/count", 1.5),
        ("/reasons", {}),
        ("/reasons", {"endpoint_unknown": 0}),
        ("/reasons", {"endpoint_unknown": 1.5}),
        ("/reasons", {"Not a code": 1}),
        ("/decision_id", "ab" * 16),
    ],
    "EVENT": [*RECORD, ("/kind", "REFUSAL"), ("/event", "coffee"), ("/decision_id", "ab" * 16)],
}
"""By kind of record."""

OPENING_OPTIONAL = {
    "/parent_span_id",
    "/started_unix_ns",
    "/mode",
    "/request",
    "/source",
    "/salt",
    "/input/attributes/explanation",
}

OPTIONAL: dict[str, set[str]] = {
    "INTENT": OPENING_OPTIONAL | {"/explain"},
    "REFUSAL": OPENING_OPTIONAL | {"/decision/reasons/0/rule", "/decision/reasons/0/remedy"},
    "OUTCOME": {
        "/salt",
        "/window/groups/a",
        "/window/groups/a/positive_rate",
        "/stage_us/request_decision",
        "/stage_us/upstream",
    },
    "REFUSAL_SUMMARY": {"/from_unix_ns", "/to_unix_ns"},
    "EVENT": {"/details/model", "/details/version"},
}
"""By kind of record: what may be missing, the contract's "add freely" among it."""

OPEN: dict[str, set[str]] = {"EVENT": {"/details/model", "/details/version"}}
"""By kind of record: what may have any type."""
