"""Small policies, inputs and engines for tests of the policy room and of both engines' conformance."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.model.question import Question, ask
from sidecar.policy.bundle import Bundle
from sidecar.policy.child import find_opa

if TYPE_CHECKING:
    from collections.abc import Callable

REGO = Path(__file__).parent.parent / "rego"
UNIX_S = 1_795_300_000.0

ALLOW = '{"allow": true, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 5}'
FACTS = 'facts := {"models": {}, "guards": {}, "absent": []}'
DECISIONS = "decisions := {i: d | some i, x in input.items; d := decision with input as x}"


def module(decision: str, *rest: str) -> str:
    """A whole policy in one module, in place of the generated one. `decision`: the rule, head and all."""
    return "\n".join(["package sidecar", decision, *(rest or (FACTS, DECISIONS)), ""])


def bundle(text: str, revision: str = "r1", data_json: bytes = b"{}") -> Bundle:
    """One module as it is, past composition and its checks."""
    return Bundle(revision, {"sidecar/composed.rego": text}, data_json, ())


def opa_binary() -> Path:
    """OPA is a part of every test run: absent, the run fails instead of passing on less."""
    found = find_opa()
    if found is None:
        pytest.fail("no opa binary beside python or on PATH: run scripts/install-opa")
    return found


async def until(condition: Callable[[], object]) -> None:
    """Returns as soon as the condition holds; the test's own time limit bounds the wait."""
    while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes too
        await asyncio.sleep(0.01)


def question(**changes: object) -> Question:
    """A request that the shipped rules allow, with the data of `DATA`; `changes` replace top-level keys."""
    return ask(shape(**changes), UNIX_S)


def shape(**changes: object) -> dict[str, object]:
    """The input of `question`, less its time."""
    return {
        "api": "sidecar/v1",
        "phase": "request",
        "source": {"address": "10.1.2.3", "identity": None},
        "endpoint": {"protocol": "v2", "operation": "infer", "model": "credit", "version": "3"},
        "request": {"method": "POST", "headers": {}},
        "attributes": {
            "data_version": _present("loans-2026-11-20", "header:X-Data-Version"),
            "consent_scope": _present("credit_scoring", "parameter:consent_scope"),
            "groups": _present(["a"], "claim:group"),
            "explanation": {"required": False},
        },
        "consent": {
            "status": "valid",
            "issuer": "https://consent.example",
            "subject": "5b",
            "token_id": "7c",
            "scopes": ["credit_scoring"],
            "expires_unix_s": UNIX_S + 3600,
            "data_version": None,
        },
        "instances": 1,
    } | changes


def _present(value: object, source: str) -> dict[str, object]:
    return {"value": value, "status": "present", "source": source}


DATA: dict[str, object] = {
    "models": {
        "credit": {
            "risk_tier": "high",
            "max_age_days": 30,
            "required_scopes": ["credit_scoring"],
            "groups": ["a", "b"],
            "unknown_group": "deny",
            "band": 0.1,
            "disparate_impact_max": 1.5,
            "rules": {"fairness_band": "shadow", "explanation": "off"},
            "read": {
                "score": "output:score",
                "positive": {"score_at_least": 0.5},
                "group": "claim:group",
                "score_range": [0, 1],
            },
        }
    },
    "datasets": {
        "loans-2026-11-20": {
            "created_unix_s": 1_795_200_000,
            "consent_scopes": ["credit_scoring"],
            "parents": [],
        }
    },
    "group_mean": {"credit": {"a": 0.5, "b": 0.48}},
    "revocations": {"tokens": {}, "subjects": {}},
    "objections": {"subjects": {}},
}
