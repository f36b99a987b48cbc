from __future__ import annotations

import pytest

from sidecar.model.endpoint import EndpointKind
from sidecar.protocols.servers import SERVERS, server


def test_inference_is_never_a_read_only_method() -> None:
    rows = [row for served in SERVERS.values() for row in served.table.routes]
    infer = {method for row in rows if row.kind is EndpointKind.INFER for method in row.methods}
    passing = {row.methods for row in rows if row.kind in (EndpointKind.PROBE, EndpointKind.METADATA)}
    assert (infer, passing) == ({"POST", "PUT"}, {("GET",)})


@pytest.mark.parametrize("kind", ["seldon", ""])
def test_other_kinds_are_not_in_this_version(kind: str) -> None:
    known = "triton, mlserver, kserve, torchserve, tfserving, openai"
    with pytest.raises(ValueError, match=f"not in this version; there are {known}$"):
        server(kind)


@pytest.mark.parametrize(
    ("kind", "path", "explains"),
    [
        ("torchserve", "/predictions/m", "/explanations/m"),
        ("torchserve", "/predictions/m/2.0", "/explanations/m/2.0"),
        ("torchserve", "/m/2.0/predict", "/explanations/m/2.0"),
        ("torchserve", "/models/m/invoke", "/explanations/m"),
        ("torchserve", "/v1/models/m:predict", "/v1/models/m:explain"),
        ("torchserve", "/v2/models/m/infer", "/v2/models/m/explain"),
        ("torchserve", "/wfpredict/m", None),
        ("torchserve", "/explanations/m", None),
        ("kserve", "/v1/models/m:predict", "/v1/models/m:explain"),
        ("kserve", "/v2/models/m/infer", None),
        ("mlserver", "/v2/models/m/infer", None),
        ("triton", "/v2/models/m/infer", None),
        ("tfserving", "/v1/models/m:predict", None),
    ],
)
def test_where_a_server_explains_what_it_infers(kind: str, path: str, explains: str | None) -> None:
    it = server(kind)
    assert it.explain_path(it.route("POST", path, "")) == explains
