from __future__ import annotations

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.protocols.base import Call, second_sources

ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer", "credit")


class OtherCall(Call):
    """A call of a kind that a protocol tells apart."""

    __slots__ = ()


def test_a_call_without_its_body_keeps_all_else() -> None:
    features = {"income": [1, 2]}
    for kind in (Call, OtherCall):
        call = kind(ENDPOINT, 2, {"data_version": ("x", "parameter:data_version")}, {"a": 1}, stream=True, id="mine")
        assert call.without_body(features) == call._replace(body=None, features=features)
        assert type(call.without_body(features)) is kind


def test_second_sources_keep_raw_values_and_name_their_place() -> None:
    members = {"data_version": 7, "consent_scope": None, "other": "x"}
    assert second_sources(members, "body") == {
        "data_version": (7, "body:data_version"),
        "consent_scope": (None, "body:consent_scope"),
    }
    assert second_sources({}, "body") == {}
