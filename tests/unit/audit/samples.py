"""One exchange of a credit model, as the data path hands it to the trail."""

from __future__ import annotations

from typing import Any

from sidecar.audit.context import Context
from sidecar.model.decision import Decision, Obligation
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.message import Request
from sidecar.model.question import Question, ask
from sidecar.model.reasons import Reason

NOW_S = 1_795_300_000.0
DAY = "2026-11-22"
SUBJECT = "5" * 64
TOKEN_ID = "7" * 64
BODY = b'{"inputs":[]}'
ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer", "credit", "3")
REQUEST = Request("POST", "/v2/models/credit/versions/3/infer", (), BODY, query="a=secret", source_address="10.1.2.3")
ALLOW = Decision(True, "rev-1", ttl_s=5.0)
STALE = Reason("data_stale", "data_version d-1 is 80 days old; credit allows 30", "staleness", "Use fresher data")
OUT_OF_BAND = Reason("score_out_of_band", "a score lies outside its group's band", "fairness_band")
DENY = Decision(False, "rev-1", (STALE,), (OUT_OF_BAND,), (Obligation("flag_review", {"queue": "a"}),))


def context(number: int = 0xA1, endpoint: Endpoint | None = ENDPOINT) -> Context:
    return Context(
        f"{number:032x}", f"request-{number}", "b" * 32, "c" * 16, False, 1_795_300_000_000_000_000, endpoint
    )


def request_shape(**changes: Any) -> dict[str, Any]:
    return {
        "api": "sidecar/v1",
        "phase": "request",
        "source": {"address": "10.1.2.3", "identity": None},
        "endpoint": ENDPOINT.as_input(),
        "request": {"method": "POST", "headers": {}},
        "attributes": {
            "data_version": {"value": "d-1", "status": "present", "source": "header:X-Data-Version"},
            "consent_scope": {"value": "credit_scoring", "status": "present", "source": "header:X-Consent-Scope"},
            "groups": {"value": ("a",), "status": "present", "source": "claim:group"},
            "explanation": {"required": False},
        },
        "consent": {
            "status": "valid",
            "issuer": "https://issuer.example",
            "subject": SUBJECT,
            "token_id": TOKEN_ID,
            "scopes": ("credit_scoring",),
            "expires_unix_s": NOW_S + 60,
            "data_version": None,
        },
        "instances": 1,
        **changes,
    }


def request_question(**changes: Any) -> Question:
    return ask(request_shape(**changes), NOW_S)


def response_question(**changes: Any) -> Question:
    prediction = {
        "status": 200,
        "scores": (0.51,),
        "labels": ("approve",),
        "features": {"income": 1, "age": 2},
        "explanation": ["because"],
        **changes,
    }
    shape = request_shape(phase="response", prediction=prediction, window={"state": "insufficient_data"})
    return ask(shape, NOW_S + 1)


def with_consent(status: str) -> Question:
    return request_question(consent={**request_shape()["consent"], "status": status})


def with_groups_of(chars: int) -> Question:
    groups = {"value": ("g" * chars,) * 256, "status": "present", "source": "claim:group"}
    return request_question(attributes={**request_shape()["attributes"], "groups": groups})
