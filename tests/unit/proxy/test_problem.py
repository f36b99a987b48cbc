from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sidecar.model.reasons import CATALOGUE, Reason, ReasonClass
from sidecar.protocols.torchserve import TorchServe
from sidecar.protocols.v1 import V1
from sidecar.protocols.v2.protocol import V2
from sidecar.proxy.problem import problem

if TYPE_CHECKING:
    from sidecar.model.message import Response

ID = "0123456789abcdef" * 2
PROBLEM_JSON = (b"content-type", b"application/problem+json")


def body(response: Response) -> dict[str, Any]:
    return orjson.loads(response.body)


def test_a_refusal_says_what_is_wrong_and_what_to_do() -> None:
    stale = Reason("data_stale", "data is 80 days old", "staleness", "use fresher data")
    response = problem([stale], ID)
    assert (response.status, response.headers) == (403, (PROBLEM_JSON,))
    assert body(response) == {
        "type": "urn:model-policy-sidecar:reason:data_stale",
        "title": "The data is older than the model allows",
        "status": 403,
        "detail": "data is 80 days old",
        "decision_id": ID,
        "reasons": [
            {
                "code": "data_stale",
                "rule": "staleness",
                "message": "data is 80 days old",
                "remedy": "use fresher data",
            }
        ],
    }


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_reason_has_its_status_title_and_remedy(code: str) -> None:
    kind = CATALOGUE[code]
    response = problem([Reason(code, "because")], ID)
    assert response.status == kind.status
    assert body(response) == {
        "type": f"urn:model-policy-sidecar:reason:{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": "because",
        "decision_id": ID,
        "reasons": [{"code": code, "message": "because", "remedy": kind.remedy}],
    }


@pytest.mark.parametrize("code", CATALOGUE)
def test_headers_go_with_the_status(code: str) -> None:
    kind = CATALOGUE[code]
    names = {name for name, _ in problem([Reason(code, "because")], ID).headers}
    assert (b"retry-after" in names) is (kind.status in (429, 503))
    assert (b"www-authenticate" in names) is (kind.status == 401)


def test_several_reasons_are_sorted_and_told_once_and_the_highest_class_leads() -> None:
    late = Reason("upstream_timeout", "late")
    stale = Reason("data_stale", "old", "staleness")
    expired = Reason("consent_expired", "over", "consent")
    response = problem([late, stale, expired, stale], ID)
    told = body(response)
    assert (response.status, told["status"]) == (401, 401)
    assert told["type"] == "urn:model-policy-sidecar:reason:consent_expired"
    assert told["detail"] == "over; old; late"
    assert [reason["code"] for reason in told["reasons"]] == [
        "consent_expired",
        "data_stale",
        "upstream_timeout",
    ]


def test_an_authored_code_is_a_403_with_a_remedy() -> None:
    response = problem([Reason("night_shift", "nobody judges at night", "night_shift")], ID)
    assert response.status == 403
    assert body(response)["reasons"] == [
        {
            "code": "night_shift",
            "rule": "night_shift",
            "message": "nobody judges at night",
            "remedy": "See the policy's documentation",
        }
    ]


@pytest.mark.parametrize(("given_s", "header"), [(None, b"1"), (0, b"1"), (37, b"37")])
@pytest.mark.parametrize("code", ["policy_timeout", "model_throttled"])
def test_retry_after(code: str, given_s: int | None, header: bytes) -> None:
    response = problem([Reason(code, "wait")], ID, retry_after_s=given_s)
    assert response.header_values(b"retry-after") == [header]


@pytest.mark.parametrize(
    ("code", "challenge"),
    [
        # RFC 6750, section 3.1: no error code where the request lacks any authentication information.
        ("consent_missing", b'Bearer realm="consent"'),
        ("consent_invalid", b'Bearer realm="consent", error="invalid_token"'),
        ("consent_expired", b'Bearer realm="consent", error="invalid_token"'),
    ],
)
def test_a_401_challenges(code: str, challenge: bytes) -> None:
    assert problem([Reason(code, "no")], ID).header_values(b"www-authenticate") == [challenge]


def test_a_405_lists_the_methods() -> None:
    response = problem([Reason("method_not_allowed", "not GET")], ID, allow=("POST", "PUT"))
    assert response.headers == (PROBLEM_JSON, (b"allow", b"POST, PUT"))


@pytest.mark.parametrize(
    ("protocol", "members"),
    [(V2(), {"error": "old"}), (V1(), {"error": "old"}), (TorchServe(), {"message": "old"})],
)
def test_a_protocol_adds_what_its_clients_look_for(protocol: V1 | V2 | TorchServe, members: dict[str, str]) -> None:
    plain = problem([Reason("data_stale", "old")], ID)
    response = problem([Reason("data_stale", "old")], ID, protocol=protocol)
    assert body(response) == body(plain) | members


def test_the_classes_are_all_there() -> None:
    assert {kind.group for kind in CATALOGUE.values()} == set(ReasonClass)
