"""Triton's SageMaker endpoint: V2, whose head's length is said by the media type.

`Content-Type: application/vnd.sagemaker-triton.binary+json;json-header-size=N` stands for V2's own header, which
Triton passes over here. So one is read as the other, either way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.protocols.media import HEAD_LENGTH, OCTETS, unsupported
from sidecar.protocols.v2.binary import Framing
from sidecar.protocols.v2.protocol import V2

if TYPE_CHECKING:
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts
    from sidecar.model.message import Headers, Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Call, Limits

# Triton looks for exactly this, whatever RFC 9110 says of spaces and case in a media type.
_BINARY = re.compile(rb"application/vnd\.sagemaker-triton\.binary\+json;json-header-size=([0-9]+)")


class SageMaker(V2):
    """`/invocations` and `/models/{model}/invoke`."""

    def __init__(self) -> None:
        super().__init__(Framing(binary_types=(OCTETS,), raw=True), "sagemaker")

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        if request.header_values(HEAD_LENGTH):
            raise unsupported("Inference-Header-Content-Length means nothing here: Content-Type says json-header-size")
        return super().read_request(endpoint, request._replace(headers=_as_v2(request.headers)), facts, limits)

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        return super().read_prediction(call, response._replace(headers=_as_v2(response.headers)), facts)


def _as_v2(headers: Headers) -> Headers:
    """The fields as V2 over HTTP has them."""
    fields: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        match = _BINARY.fullmatch(value) if name == b"content-type" else None
        fields += [(name, value)] if match is None else [(name, OCTETS), (HEAD_LENGTH, match[1])]
    return tuple(fields)
