"""TorchServe's `/predictions/{model}`: whatever the handler takes, one instance a request.

A JSON body is read: its top-level keys are the second place of governed attributes. Any other body is opaque,
and headers alone count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.model.refusal import refused
from sidecar.protocols import media, reading
from sidecar.protocols.base import Call, second_sources
from sidecar.protocols.bodies import decoded, json_response
from sidecar.protocols.rows import ABSENT, cell, member
from sidecar.protocols.strict_json import Malformed, is_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Body, Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Limits

_FORMS = (b"multipart/", b"application/x-www-form-urlencoded")
"""By prefix, as Netty tells them. Their parts reach the handler as inputs beside the body."""

_OBJECT = re.compile(rb"[\s\x00\xef\xbb\xbf\xfe\xff]*+\{")
"""How a JSON object begins in UTF-8, 16 or 32, with or without a byte order mark."""


class TorchServe:
    """TorchServe's own inference endpoint."""

    name = "torchserve"
    names_model = False

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        del facts, limits  # one instance, always
        # The base handler takes `explain: True` for "explain instead of infer".
        if request.header_values(b"explain"):
            raise refused("header_forbidden", "the header explain makes the handler explain instead of infer")
        media_type = media.media_type(request)
        if media_type.startswith(_FORMS):
            raise media.unsupported("forms and multipart bodies are not taken; send JSON or the raw input")
        if media_type != media.JSON:
            _check_opaque(request.body)
            return Call(endpoint, 1)
        body = decoded(request.body)
        return Call(endpoint, 1, second_sources(body, "body") if is_object(body) else {}, body)

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """See `ServingProtocol.input_column`."""
        del facts
        if member(call.body, reader.name) is ABSENT:
            return None
        value = cell(call.body, reader)
        return () if value is ABSENT else (value,)

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        return reading.read_prediction(call, response, facts.read, _Answer())

    def refusal_members(self, message: str) -> dict[str, object]:
        """TorchServe's errors are `code`, `type`, `message`; `type` is problem+json's own."""
        return {"message": message}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """The one entry, as the handler would have answered."""
        return json_response(outputs[0]) if len(outputs) == call.instances else None


class _Answer:
    """`reading.Outputs` over the members of a handler's JSON object."""

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        value = cell(document, reader)
        if value is ABSENT:
            raise Malformed("the answer has no such value")
        return (value,)

    def whole(self, document: object, reader: Reader) -> object:
        return member(document, reader.name)


def _check_opaque(body: Body) -> None:
    """A JSON object under another type would be read by the handler and not by us: never "no body"."""
    if _OBJECT.match(body):
        raise media.unsupported("a JSON object must say Content-Type: application/json")
