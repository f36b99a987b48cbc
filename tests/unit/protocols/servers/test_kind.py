from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.model.endpoint import Endpoint
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.openai.protocol import OpenAI
from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import GET, INFER, POST, PROBE, kind_of
from sidecar.protocols.v1 import V1

KIND = kind_of(
    "kind",
    (
        Route(INFER, "v1", "infer", POST, "/v1/{model}"),
        Route(INFER, "v1", "infer", POST, "/v1"),
        Route(INFER, "openai", "chat", POST, "/chat"),
        Route(PROBE, "v1", "ready", GET, "/ping"),
    ),
    (V1(), OpenAI()),
    codings={"v1": (b"gzip",)},
)
WITH_DEFAULT = replace(KIND, default_model="only")


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("POST", "/v1/m", Endpoint(INFER, "v1", "infer", "m")),
        ("POST", "/v1", Endpoint(INFER, "v1", "infer", "only")),
        ("POST", "/chat", Endpoint(INFER, "openai", "chat", "only")),
        ("GET", "/ping", Endpoint(PROBE, "v1", "ready")),
    ],
)
def test_the_default_model_is_that_of_inference_without_a_name(method: str, path: str, endpoint: Endpoint) -> None:
    assert WITH_DEFAULT.route(method, path, "") == endpoint


def test_without_a_default_model_the_body_may_name_one() -> None:
    assert KIND.route("POST", "/chat", "") == Endpoint(INFER, "openai", "chat")
    with pytest.raises(Refused) as caught:
        KIND.route("POST", "/v1", "")
    message = "the endpoint names no model; --default-model says which one it means"
    assert caught.value.reasons == (Reason("endpoint_unknown", message),)


def test_a_kind_knows_its_protocols_and_their_codings() -> None:
    assert isinstance(KIND.protocol(KIND.route("POST", "/v1/m", "")), V1)
    assert (KIND.kind, KIND.codings) == ("kind", {"v1": frozenset((b"gzip",))})
