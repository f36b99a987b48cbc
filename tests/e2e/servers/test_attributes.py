"""Each place of an attribute counts, two that differ are a conflict, and what is missing never reaches the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.servers.guarded import Guarded


GOOD = {"data_version": "fresh", "consent_scope": "credit_scoring"}
HEADERS = {"data_version": "X_Data_Version", "consent_scope": "X_Consent_Scope"}


@pytest.mark.parametrize("attribute", GOOD)
def test_the_body_is_a_place(server: Guarded, attribute: str) -> None:
    for prefix, put in server.dialect.places.items():
        body = put(server.dialect.body([0.5]), attribute, GOOD[attribute])
        answer = server.call(body, **{HEADERS[attribute]: None})
        assert answer.status == 200, answer.body
        said = server.record(answer)[0]["input"]["attributes"][attribute]
        assert said == {"value": GOOD[attribute], "status": "present", "source": f"{prefix}:{attribute}"}


@pytest.mark.parametrize("attribute", GOOD)
def test_two_places_that_agree_are_one(server: Guarded, attribute: str) -> None:
    for put in server.dialect.places.values():
        assert server.call(put(server.dialect.body([0.5]), attribute, GOOD[attribute])).status == 200


@pytest.mark.parametrize("attribute", GOOD)
def test_two_places_that_differ_are_a_conflict(server: Guarded, attribute: str) -> None:
    for put in server.dialect.places.values():
        with server.not_reached():
            answer = server.call(put(server.dialect.body([0.5]), attribute, "another"))
        assert (answer.status, answer.codes) == (400, ["attribute_conflict"])
        assert server.kinds(answer) == ["REFUSAL"]


@pytest.mark.parametrize(
    ("changes", "status", "codes"),
    [
        ({"X_Data_Version": "stale"}, 403, ["data_stale"]),
        ({"X_Data_Version": "unheard-of"}, 403, ["data_version_unknown"]),
        ({"X_Data_Version": None}, 400, ["attribute_missing"]),
        ({"X_Data_Version": "a,b"}, 400, ["attribute_malformed"]),
        ({"X_Consent_Scope": None}, 400, ["attribute_missing"]),
        ({"X_Consent_Token": "not.a.token"}, 401, ["consent_invalid"]),
        ({"X_Consent_Token": None}, 401, ["consent_missing"]),
    ],
    ids=str,
)
def test_bad_attributes_are_refused_before_the_model(
    server: Guarded, changes: dict[str, str | None], status: int, codes: list[str]
) -> None:
    with server.not_reached():
        answer = server.call(**changes)
    assert (answer.status, answer.codes, server.kinds(answer)) == (status, codes, ["REFUSAL"])


def test_a_token_for_something_else_is_refused(server: Guarded) -> None:
    with server.not_reached():
        answer = server.call(X_Consent_Token=server.sidecar.issuer.token(scope="marketing"))
    assert (answer.status, set(answer.codes)) == (403, {"consent_scope_mismatch"})
