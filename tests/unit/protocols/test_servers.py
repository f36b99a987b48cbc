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
