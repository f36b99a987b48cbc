from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from sidecar.fairness.window import INSUFFICIENT, WindowSnapshot
from sidecar.model.attributes import Attribute, Attributes, Status
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.message import Request
from sidecar.model.prediction import Prediction
from sidecar.protocols.base import Call
from sidecar.proxy.inputs import request_question, response_question

if TYPE_CHECKING:
    from sidecar.model.question import Question

ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer", "credit", "3")
ATTRIBUTES = Attributes(
    Attribute(Status.PRESENT, "loans-2026-11-20", "header:X-Data-Version"),
    Attribute(Status.PRESENT, "credit_scoring", "parameter:consent_scope"),
    Attribute(Status.PRESENT, ("a",), "claim:group"),
)
CONSENT = ConsentFact(
    ConsentStatus.VALID,
    "https://issuer.example",
    "ab" * 32,
    "cd" * 32,
    ("credit_scoring",),
    1_795_303_600.0,
)
HEADERS = (
    (b"accept", b"application/json"),
    (b"x-team", b"risk"),
    (b"x-consent-token", b"secret"),
    (b"x-team", b"caf\xe9"),
)
REQUEST = Request("POST", "/v2/models/credit/infer", HEADERS, b"{}", "", "10.1.2.3")
# The example of contract 4, with an explanation not asked for.
INPUT = {
    "api": "sidecar/v1",
    "phase": "request",
    "time": {"unix_s": 1_795_300_000.0},
    "source": {"address": "10.1.2.3", "identity": None},
    "endpoint": {"protocol": "v2", "operation": "infer", "model": "credit", "version": "3"},
    "request": {"method": "POST", "headers": {}},
    "attributes": {
        "data_version": {
            "value": "loans-2026-11-20",
            "status": "present",
            "source": "header:X-Data-Version",
        },
        "consent_scope": {
            "value": "credit_scoring",
            "status": "present",
            "source": "parameter:consent_scope",
        },
        "groups": {"value": ["a"], "status": "present", "source": "claim:group"},
        "explanation": {"required": False},
    },
    "consent": {
        "status": "valid",
        "issuer": "https://issuer.example",
        "subject": "ab" * 32,
        "token_id": "cd" * 32,
        "scopes": ["credit_scoring"],
        "expires_unix_s": 1_795_303_600.0,
        "data_version": None,
    },
    "instances": 1,
}


def asked(request: Request = REQUEST, listed: frozenset[bytes] = frozenset(), instances: int = 1) -> Question:
    return request_question(
        request,
        Call(ENDPOINT, instances),
        ATTRIBUTES,
        CONSENT,
        listed_headers=listed,
        unix_s=1_795_300_000.0,
    )


def test_the_request_phase_is_the_contracts_input() -> None:
    question = asked()
    assert orjson.loads(question.json) == INPUT
    assert question.expires_unix_s == 1_795_303_600.0


def test_only_listed_headers_are_shown_with_all_their_values() -> None:
    shown = orjson.loads(asked(listed=frozenset({b"x-team", b"x-absent"})).json)["request"]["headers"]
    assert shown == {"x-team": ["risk", "café"]}


def test_instances_and_an_unknown_peer_are_told() -> None:
    question = asked(Request("POST", "/v2/models/credit/infer", ()), instances=3)
    assert orjson.loads(question.json) == INPUT | {
        "instances": 3,
        "source": {"address": None, "identity": None},
    }


def test_the_response_phase_has_all_of_it_and_the_prediction() -> None:
    figures = {"n": 412, "mean_score": 0.5, "mean_lower": 0.47, "mean_upper": 0.53, "positive_rate": 0.61}
    impact = {
        "ratio": 1.21,
        "lower": 1.05,
        "certain": False,
        "warned": False,
        "favoured": "a",
        "disfavoured": "b",
    }
    question = response_question(
        asked(),
        Prediction(200, (0.51,), ("approve",)),
        WindowSnapshot("ok", 86_400, {"a": figures}, impact),
        unix_s=1_795_300_000.5,
    )
    assert orjson.loads(question.json) == INPUT | {
        "phase": "response",
        "time": {"unix_s": 1_795_300_000.5},
        "prediction": {
            "status": 200,
            "scores": [0.51],
            "labels": ["approve"],
            "features": None,
            "explanation": None,
        },
        "window": {"state": "ok", "span_s": 86_400, "groups": {"a": figures}, "disparate_impact": impact},
    }


def test_a_sidecar_without_windows_says_so() -> None:
    question = response_question(asked(), Prediction(200), WindowSnapshot(INSUFFICIENT), unix_s=1.0)
    assert orjson.loads(question.json)["window"] == {
        "state": "insufficient_data",
        "span_s": 86_400,
        "groups": {},
        "disparate_impact": None,
    }


def test_asking_twice_changes_neither_question() -> None:
    first = asked()
    before = first.json
    response_question(first, Prediction(200), WindowSnapshot(INSUFFICIENT), unix_s=1.0)
    assert first.json == before
