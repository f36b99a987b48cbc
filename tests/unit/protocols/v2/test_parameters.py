from __future__ import annotations

from typing import Any

import pytest

from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.v2.parameters import governed


def said(body: dict[str, Any], *, binary: bool = True) -> dict[str, tuple[object, str]]:
    return governed(body, body.get("inputs", []), body.get("outputs", []), binary=binary)


def of_request(**parameters: object) -> dict[str, Any]:
    return {"parameters": parameters}


def of_input(**parameters: object) -> dict[str, Any]:
    return {"inputs": [{}, {"parameters": parameters}]}


def of_output(**parameters: object) -> dict[str, Any]:
    return {"outputs": [{"parameters": parameters}]}


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ({}, {}),
        ({"parameters": None, "inputs": [{"parameters": None}]}, {}),
        (of_request(timeout=5, data_version=7), {"data_version": (7, "parameter:data_version")}),
        (
            of_request(consent_scope="x", data_version="v"),
            {
                "data_version": ("v", "parameter:data_version"),
                "consent_scope": ("x", "parameter:consent_scope"),
            },
        ),
        (of_input(data_version="v"), {"data_version": (None, "inputs[1].parameters.data_version")}),
        (
            of_request(data_version="v") | of_output(data_version="v"),
            {"data_version": (None, "outputs[0].parameters.data_version")},
        ),
        (of_request(binary_data_output=True), {}),
        (of_input(binary_data_size=8), {}),
        (of_output(binary_data=True), {}),
        (of_output(binary_data=False, binary_data_size=False), {}),
    ],
)
def test_governed(body: dict[str, Any], attributes: dict[str, tuple[object, str]]) -> None:
    assert said(body) == attributes


def malformed(message: str) -> Reason:
    return Reason("body_malformed", message)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"parameters": []}, malformed("parameters is not an object")),
        ({"inputs": [{"parameters": "x"}]}, malformed("inputs[0].parameters is not an object")),
        (
            of_request(shared_memory_region=None),
            Reason("shared_memory_forbidden", "parameters names a shared memory region"),
        ),
        (
            of_input(shared_memory_region="r", shared_memory_byte_size=8),
            Reason("shared_memory_forbidden", "inputs[1].parameters names a shared memory region"),
        ),
        (
            of_output(shared_memory_region="r"),
            Reason("shared_memory_forbidden", "outputs[0].parameters names a shared memory region"),
        ),
        (
            of_output(classification=1),
            malformed("outputs[0].parameters asks for a classification, which is not aligned with instances"),
        ),
        (of_request(binary_data_output=1), malformed("parameters.binary_data_output means nothing there")),
        (of_request(binary_data_size=8), malformed("parameters.binary_data_size means nothing there")),
        (of_input(binary_data=True), malformed("inputs[1].parameters.binary_data means nothing there")),
        (of_output(binary_data="true"), malformed("outputs[0].parameters.binary_data means nothing there")),
        (of_output(binary_data_size=8), malformed("outputs[0].parameters.binary_data_size means nothing there")),
        (of_output(binary_data=None), malformed("outputs[0].parameters.binary_data means nothing there")),
    ],
)
def test_governed_refuses(body: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        said(body)
    assert caught.value.reasons == (reason,)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (of_request(binary_data_output=True), "parameters"),
        (of_input(binary_data_size=0), "inputs[1].parameters"),
        (of_output(binary_data=True), "outputs[0].parameters"),
    ],
)
def test_a_server_without_binary_tensors_is_not_asked_for_them(body: dict[str, Any], place: str) -> None:
    with pytest.raises(Refused) as caught:
        said(body, binary=False)
    assert caught.value.reasons == (
        Reason("media_type_unsupported", f"{place} asks for binary tensors; only JSON ones are taken"),
    )
