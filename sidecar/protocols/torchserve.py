"""TorchServe's own endpoints: whatever the handler takes, one instance a request.

A JSON body is read: its top-level keys are the second place of governed attributes. Of a form, the fields are:
TorchServe hands them to the handler as inputs beside each other. Any other body is opaque, and headers alone count.
An answer is JSON or a short text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.model.refusal import refused
from sidecar.protocols import forms, media, reading
from sidecar.protocols.base import GOVERNED_NAMES, Call, second_sources
from sidecar.protocols.bodies import body_malformed, json_response, json_value
from sidecar.protocols.rows import OneRow, cells
from sidecar.protocols.strict_json import Malformed, is_array, is_object
from sidecar.protocols.v1 import V1
from sidecar.protocols.v2.protocol import V2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Body, Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Limits

_FORMS = (b"multipart/", b"application/x-www-form-urlencoded")
"""By prefix, as Netty tells them."""

_OBJECT = re.compile(rb"[\s\x00\xef\xbb\xbf\xfe\xff]*+\{")
"""How a JSON object begins in UTF-8, 16 or 32, with or without a byte order mark."""

_ORDERS = {
    b"explain": "the header explain makes the handler explain instead of infer",
    b"describe": "the header describe makes the handler describe the model instead of infer",
}
"""Headers to which TorchServe's base handler listens, whatever the path says."""

TEXT_ANSWER_LIMIT_BYTES = 256
"""A handler's few words; what is longer is no score, but a document of a kind that we cannot read."""


class TorchServe:
    """`/predictions`, `/explanations`, and their older names."""

    name = "torchserve"
    names_model = False

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        del facts, limits  # one instance, always
        _check_orders(request)
        media_type = media.media_type(request)
        if media_type.startswith(_FORMS):
            return _form_call(endpoint, request)
        if media_type != media.JSON:
            _check_opaque(request.body)
            return Call(endpoint, 1)
        body = json_value(request.body)
        return Call(endpoint, 1, second_sources(body, "body") if is_object(body) else {}, body)

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """See `ServingProtocol.input_column`."""
        del facts
        return cells((call.body,), reader)

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        return reading.read_prediction(call, response, facts.read, OneRow(), _document, maps_of=_maps)

    def refusal_members(self, message: str) -> dict[str, object]:
        """TorchServe's errors are `code`, `type`, `message`; `type` is problem+json's own."""
        return {"message": message}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """The one entry, as the handler would have answered."""
        return json_response(outputs[0]) if len(outputs) == call.instances else None


class TorchServeV1(V1):
    """V1 as TorchServe speaks it."""

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        _check_orders(request)
        return super().read_request(endpoint, request, facts, limits)

    def check_media_type(self, request: Request) -> None:
        """The handler gets the body, parsed or not: it is the same JSON."""
        media.require_json(request)


class TorchServeV2(V2):
    """V2 as TorchServe speaks it."""

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        _check_orders(request)
        return super().read_request(endpoint, request, facts, limits)


def _document(response: Response) -> object:
    """An answer's JSON, or its few words as one string; raises `Malformed`.

    What begins as JSON's arrays, objects and strings do is JSON or nothing.
    """
    body = bytes(response.body[: TEXT_ANSWER_LIMIT_BYTES + 1])
    try:
        return reading.json_document(response)
    except Malformed:
        if not media.identity_coded(response) or len(body) > TEXT_ANSWER_LIMIT_BYTES:
            raise
        if not body.isascii() or body.lstrip()[:1] in (b"", b"[", b"{", b'"'):
            raise
        return body.decode().strip()


def _maps(document: object) -> Sequence[object]:
    return document if is_array(document) else (document,)


def _check_orders(request: Request) -> None:
    for name, _ in request.headers:
        if name in _ORDERS:
            raise refused("header_forbidden", _ORDERS[name])


def _check_opaque(body: Body) -> None:
    """A JSON object under another type would be read by the handler and not by us: never "no body"."""
    if _OBJECT.match(body):
        raise media.unsupported("a JSON object must say Content-Type: application/json")


def _form_call(endpoint: Endpoint, request: Request) -> Call:
    """A form is read as a row: a field's text, or no value (an empty array) for a file or a name that comes twice."""
    row: dict[str, object] = {}
    nested: dict[str, str] = {}
    for field in forms.fields(request.header_values(b"content-type")[0].strip(b" \t"), request.body):
        row[field.name] = [] if field.text is None or field.name in row else field.text
        nested |= dict.fromkeys(_members(field), field.name)
    # At `/invocations` without a query, this field names the model, where several are loaded.
    if "model_name" in row and row["model_name"] != endpoint.model:
        raise body_malformed("the field model_name names another model than the path")
    said = second_sources(row, "form")
    said |= {name: (None, f"form:{nested[name]}.{name}") for name in GOVERNED_NAMES if name in nested}
    no_value: list[object] = []
    return Call(endpoint, 1, said, row | dict.fromkeys(nested, no_value))


def _members(field: forms.Field) -> Iterable[str]:
    """Names in a field that is a JSON object: a handler may read them there, too, so that they have no value."""
    members = json_value(bytes(field.content)) if _OBJECT.match(field.content) else None
    return members if is_object(members) else ()
