from __future__ import annotations

from sidecar.protocols.base import second_sources


def test_second_sources_keep_raw_values_and_name_their_place() -> None:
    members = {"data_version": 7, "consent_scope": None, "other": "x"}
    assert second_sources(members, "body") == {
        "data_version": (7, "body:data_version"),
        "consent_scope": (None, "body:consent_scope"),
    }
    assert second_sources({}, "body") == {}
