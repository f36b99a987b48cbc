from __future__ import annotations

import json
from collections import Counter

import jwt
import pytest

from sidecar.demo.applications import INPUTS, Application
from sidecar.demo.calls import AGED, GOOD, MISTAKES, UNFAIR, Call, Caller, Kind, kinds
from sidecar.demo.people import Issuer

NOW_UNIX_S = 1_795_300_000.0
PEOPLE = [
    Application(4, "white", tuple(float(n) for n in range(len(INPUTS))), approved=True),
    Application(9, "black", tuple(0.5 for _ in INPUTS), approved=False),
]
INFER = "/v2/models/credit/infer"


def _calls(*of_kinds: Kind) -> list[Call]:
    return list(Caller(Issuer(), Issuer(), NOW_UNIX_S).calls(PEOPLE, of_kinds))


def _headers(call: Call) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in call.headers if name != b"x-consent-token"}


def _claims(call: Call) -> dict[str, object]:
    token = dict(call.headers)[b"x-consent-token"].decode()
    return jwt.decode(token, options={"verify_signature": False})


def _mistake(told: str) -> Kind:
    return next(kind for kind in MISTAKES if told in kind.told)


def test_a_good_call_names_its_data_its_purpose_and_its_person() -> None:
    (call,) = _calls(GOOD)
    assert _headers(call) == {
        "content-type": "application/json",
        "x-data-version": "loans-2026-11-16",
        "x-consent-scope": "credit_scoring",
    }
    assert (_claims(call)["sub"], _claims(call)["group"]) == ("applicant-4", "white")
    assert (call.path, call.application, call.kind) == (INFER, PEOPLE[0], GOOD)
    sent = {tensor["name"]: tensor["data"] for tensor in json.loads(call.body)["inputs"]}
    assert sent == {name: [float(number)] for number, name in enumerate(INPUTS)}


def test_people_call_again_where_there_are_too_few_of_them_with_another_token() -> None:
    calls = _calls(GOOD, GOOD, GOOD)
    assert [call.application.number for call in calls] == [4, 9, 4]
    assert [_claims(call)["jti"] for call in calls] == ["call-1", "call-2", "call-3"]


def test_kinds_are_drawn_by_share_and_seed() -> None:
    drawn = kinds(1_000, 1)
    counts = Counter(kind.told for kind in drawn)
    assert counts == {kind.told: round(kind.share * 1_000) for kind in (GOOD, AGED, *MISTAKES)}
    assert kinds(1_000, 1) == drawn != kinds(1_000, 2)


def test_few_calls_hold_each_mistake_all_the_same() -> None:
    counts = Counter(kind.told for kind in kinds(20, 1))
    others = (AGED, *MISTAKES)
    assert counts == {GOOD.told: 20 - len(others)} | {kind.told: 1 for kind in others}


def test_an_aged_call_differs_in_its_data_version_alone() -> None:
    good, aged = _calls(GOOD, AGED)
    assert _headers(aged) == {**_headers(good), "x-data-version": "loans-2026-11-01"}
    assert aged.kind.expected is None


def test_a_call_to_the_skewed_model_tells_it_the_group() -> None:
    good, unfair = _calls(GOOD, UNFAIR)
    assert (_headers(unfair), unfair.path) == (_headers(good), "/v2/models/credit-skewed/infer")
    *_, group = json.loads(unfair.body)["inputs"]
    assert group == {"name": "group", "shape": [1], "datatype": "BYTES", "data": ["black"]}
    assert (UNFAIR.expected, UNFAIR.may_meet) == (None, "model_throttled")


@pytest.mark.parametrize(
    ("told", "header", "value"),
    [
        ("older than 30 days", "x-data-version", "loans-2026-09-02"),
        ("nobody registered", "x-data-version", "loans-of-unknown-origin"),
        ("no data version", "x-data-version", None),
        ("no consent scope", "x-consent-scope", None),
    ],
)
def test_mistakes_in_headers(told: str, header: str, value: str | None) -> None:
    good, wrong = _calls(GOOD, _mistake(told))
    wanted = {name: was for name, was in _headers(good).items() if name != header}
    assert _headers(wrong) == (wanted if value is None else {**wanted, header: value})


@pytest.mark.parametrize(
    ("told", "changes"),
    [
        ("expired", {"iat": 1_795_292_800, "exp": 1_795_296_400}),
        ("marketing", {"scope": "marketing"}),
        ("other data", {"data_version": "loans-2026-09-02"}),
    ],
)
def test_mistakes_in_claims(told: str, changes: dict[str, object]) -> None:
    good, _, wrong = _calls(GOOD, GOOD, _mistake(told))
    assert _claims(wrong) == {**_claims(good), "jti": "call-3", **changes}


def test_mistakes_of_the_token_itself() -> None:
    issuer = Issuer()
    caller = Caller(issuer, Issuer(), NOW_UNIX_S)
    none, forged = caller.calls(PEOPLE, [_mistake("no consent token"), _mistake("stranger")])
    (key,) = jwt.PyJWKSet.from_dict(issuer.key_set()).keys
    assert b"x-consent-token" not in dict(none.headers)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(dict(forged.headers)[b"x-consent-token"], key, algorithms=["ES256"])


def test_mistakes_in_path_and_body() -> None:
    good, half, contrary, unload = _calls(
        GOOD, _mistake("half a body"), _mistake("another in the body"), _mistake("unload")
    )
    assert len(half.body) < len(good.body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(half.body)
    assert json.loads(contrary.body)["parameters"] == {"data_version": "loans-2026-09-02"}
    assert (unload.path, unload.body) == ("/v2/repository/models/credit/unload", b"{}")
