from __future__ import annotations

import pytest

from sidecar.model.message import Response
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Limits
from sidecar.protocols.bodies import check_instances, json_object, json_response, json_value, object_member


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty"),
        (b"{", "the body cannot be read: no JSON text (RFC 8259) near character 1"),
        (b'{"a":1,"a":1}', "the body cannot be read: an object has a key twice"),
        (b"[]", "the body is not a JSON object"),
        (b"null", "the body is not a JSON object"),
    ],
)
def test_json_object_refuses(body: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        json_object(body)
    assert caught.value.reasons == (Reason("body_malformed", message),)


def test_decodes() -> None:
    assert (json_value(b"[1]"), json_object(b'{"a":[1]}')) == ([1], {"a": [1]})


def test_a_member_is_an_object_or_none() -> None:
    assert [object_member(body, "a") for body in ({"a": {"b": 1}}, {"a": None}, {})] == [{"b": 1}, {}, {}]
    with pytest.raises(Refused) as caught:
        object_member({"a": []}, "a")
    assert caught.value.reasons == (Reason("body_malformed", "a is not an object"),)


def test_instances_have_two_bounds() -> None:
    check_instances(1, Limits(2))
    check_instances(2, Limits(2))
    for count, reason in (
        (0, Reason("body_malformed", "the request holds no instance")),
        (3, Reason("instances_too_many", "3 instances; at most 2 pass")),
    ):
        with pytest.raises(Refused) as caught:
            check_instances(count, Limits(2))
        assert caught.value.reasons == (reason,)


def test_json_response() -> None:
    assert json_response({"a": [1.5]}) == Response(200, ((b"content-type", b"application/json"),), b'{"a":[1.5]}')
