"""What bench/quick asks and what the upstream answers: one V2 request, permitted in both phases.

A body of about 480 bytes, `X-Data-Version`, `X-Consent-Scope`, an HS256
consent token, a model with all shipped rules, and 300 data versions in `data`.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt

PATH = "/v2/models/credit/infer"
ISSUER = "https://consent.example"
AUDIENCE = "model-policy-sidecar"
DATA_VERSIONS = 300
DATA_VERSION = f"loans-{DATA_VERSIONS - 1}"
KEY = b"bench-key-bench-key-bench-key-32"


def answer() -> str:
    """The upstream's response body; the score lies within its group's band."""
    outputs = [
        {"name": "score", "shape": [1], "datatype": "FP64", "data": [0.51]},
        {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["approve"]},
    ]
    return json.dumps({"model_name": "credit", "model_version": "1", "outputs": outputs})


def body() -> str:
    """The request body."""
    features = [round(0.137 * column, 5) for column in range(56)]
    tensor = {"name": "features", "shape": [1, len(features)], "datatype": "FP64", "data": features}
    return json.dumps({"id": "bench", "inputs": [tensor]})


def headers(token: str | None = None) -> dict[str, str]:
    """The request's headers, the consent token among them: one of `key_set`, unless given."""
    return {
        "Content-Type": "application/json",
        "X-Data-Version": DATA_VERSION,
        "X-Consent-Scope": "credit_scoring",
        "X-Consent-Token": token or _token(),
    }


def key_set() -> dict[str, Any]:
    """The JWKS that verifies the token."""
    key = base64.urlsafe_b64encode(KEY).rstrip(b"=").decode()
    return {"keys": [{"kty": "oct", "kid": "bench", "alg": "HS256", "k": key}]}


def data() -> dict[str, Any]:
    """The policy's data document."""
    model: dict[str, Any] = {
        "risk_tier": "high",
        "max_age_days": 30,
        "required_scopes": ["credit_scoring"],
        "groups": ["a", "b"],
        "unknown_group": "deny",
        "band": 0.10,
        "disparate_impact_max": 1.5,
        "rules": {"explanation": "off"},  # every other shipped rule is enforced
        "mitigation": {},
        "read": {
            "score": "output:score",
            "label": "output:label",
            "positive": {"label": "approve"},
            "score_range": [0, 1],
            "group": "claim:group",
        },
    }
    return {
        "models": {"credit": model},
        "datasets": {f"loans-{number}": _dataset() for number in range(DATA_VERSIONS)},
        "group_mean": {"credit": {"a": 0.50, "b": 0.48}},
        "revocations": {"tokens": {}, "subjects": {}},
        "objections": {"subjects": {}},
    }


def _dataset() -> dict[str, Any]:
    day_ago_unix_s = int(time.time()) - 86_400
    return {"created_unix_s": day_ago_unix_s, "consent_scopes": ["credit_scoring"], "parents": []}


def _token() -> str:
    now_unix_s = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "person-1",
        "jti": "token-1",
        "iat": now_unix_s,
        "exp": now_unix_s + 3600,
        "scope": "credit_scoring",
        "group": "a",
    }
    return jwt.encode(claims, KEY, algorithm="HS256", headers={"kid": "bench"})
