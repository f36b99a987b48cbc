from __future__ import annotations

from sidecar.model.endpoint import Endpoint, EndpointKind


def test_the_policy_sees_what_is_asked_for_and_not_its_class() -> None:
    endpoint = Endpoint(EndpointKind.INFER, "v2", "infer", "credit", "3")
    assert endpoint.as_input() == {
        "protocol": "v2",
        "operation": "infer",
        "model": "credit",
        "version": "3",
    }


def test_what_the_path_does_not_name_is_null() -> None:
    endpoint = Endpoint(EndpointKind.PROBE, "v2", "live")
    assert endpoint.as_input() == {"protocol": "v2", "operation": "live", "model": None, "version": None}


def test_the_classes_are_the_contracts() -> None:
    assert [kind.value for kind in EndpointKind] == ["infer", "probe", "metadata", "management"]
