"""Triton's generate extension: one flat JSON object in, one out, or a stream of them.

A top-level key is an input where the model has one of that name, else a request parameter; so is a key of
`parameters`. Governed attributes may stand in either, but not in both: Triton hands the model both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.model.refusal import refused
from sidecar.protocols import reading
from sidecar.protocols.base import GOVERNED_NAMES, Call, second_sources
from sidecar.protocols.bodies import body_malformed, json_object, object_member
from sidecar.protocols.media import UNSAID, require_json
from sidecar.protocols.rows import ABSENT, OneRow, cell
from sidecar.protocols.strict_json import is_array, is_object
from sidecar.protocols.v2.streams import STREAMED, agreed, documents, fallback_response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Limits

_TEXT = ("text_output",)
"""The output that comes in pieces, by the convention of Triton's language models."""

_TENSORS = ("inputs", "outputs")
"""V2's members, which Triton refuses here."""


class Generate:
    """`generate` and `generate_stream` of Triton; one instance a request."""

    name = "generate"
    names_model = False

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        del limits  # one instance, always
        require_json(request, UNSAID)
        body = json_object(request.body)
        parameters = object_member(body, "parameters")
        batch = facts.of(endpoint.model).batch
        for members in (body, parameters):
            _check_members(members)
            if batch:
                _check_one_row(members)
        name = body.get("id")
        return Call(
            endpoint,
            1,
            _governed(body, parameters),
            body,
            stream=endpoint.operation in STREAMED,
            id=name if isinstance(name, str) else None,
        )

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """See `ServingProtocol.input_column`; an input may stand in `parameters`, too."""
        del facts
        body = call.body if is_object(call.body) else {}
        places = [place for place in (body, object_member(body, "parameters")) if reader.name in place]
        if not places:
            return None
        value = cell(places[0], reader)
        return () if len(places) > 1 or value is ABSENT or is_array(value) or is_object(value) else (value,)

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        document_of = _whole_stream if call.stream else reading.json_document
        return reading.read_prediction(call, response, facts.read, OneRow(), document_of)

    def refusal_members(self, message: str) -> dict[str, object]:
        """Triton's error object."""
        return {"error": message}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """The one entry's members beside the model's name; a stream has them in one event."""
        entry = outputs[0] if len(outputs) == call.instances else None
        if not is_object(entry):
            return None
        return fallback_response(call, entry)


def _whole_stream(response: Response) -> object:
    return agreed(documents(response), joined=_TEXT)


def _check_members(members: Mapping[str, object]) -> None:
    for name in _TENSORS:
        if name in members:
            raise body_malformed(f"generate takes no {name}; send each input as a member of its own name")
    if "shared_memory_region" in members:
        raise refused("shared_memory_forbidden", "the request names a shared memory region")


def _check_one_row(members: Mapping[str, object]) -> None:
    """An array is many rows for a model without a batch dimension, and one row for others: we can't tell which."""
    if any(is_array(value) and not _is_single(value) for value in members.values()):
        raise body_malformed(
            "an input is an array, which may be one instance or many; a model that takes it as one has "
            '"batch": false in its facts'
        )


def _is_single(value: list[object]) -> bool:
    return len(value) == 1 and not is_array(value[0])


def _governed(body: Mapping[str, object], parameters: Mapping[str, object]) -> dict[str, tuple[object, str]]:
    said = second_sources(body, "body") | second_sources(parameters, "parameter")
    twice = [name for name in GOVERNED_NAMES if name in body and name in parameters]
    return said | {name: (None, f"body:{name}, parameter:{name}") for name in twice}
