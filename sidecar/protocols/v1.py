"""KServe's first protocol, "V1": `{"instances":[…]}` in, `{"predictions":[…]}` out.

A row is an object, an array or a scalar. `input:NAME` and `output:NAME` mean the member NAME of an object
row; any other row goes by the name of its array: `input:instances[2]`, `output:predictions`. `:explain` answers
`explanations`, with or without `predictions`: an explanation may lie in either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.protocols import reading
from sidecar.protocols.base import Call, second_sources
from sidecar.protocols.bodies import body_malformed, check_instances, json_object, json_response
from sidecar.protocols.media import JSON, require_json, unsupported
from sidecar.protocols.rows import ABSENT, cells, member, rows_of
from sidecar.protocols.strict_json import Malformed, is_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Limits


class V1:
    """V1 in row form."""

    name = "v1"
    names_model = False

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        del facts  # V1 has rows whatever the model
        self.check_media_type(request)
        body = json_object(request.body)
        # KServe hands the model the whole body: with both, nobody knows which one it reads.
        if "inputs" in body:
            raise body_malformed("the column form, inputs, is not taken; send instances")
        # CloudEvents 1.0, JSON format: KServe would hand the model `data` in place of all that stands beside it.
        if "specversion" in body and "data" in body:
            raise body_malformed("a CloudEvent is not taken: the instances would be those in its data")
        instances = body.get("instances")
        if not is_array(instances):
            raise body_malformed("instances is not an array")
        check_instances(len(instances), limits)
        return Call(endpoint, len(instances), second_sources(body, "body"), body)

    def check_media_type(self, request: Request) -> None:
        """KServe parses what says just this; under any other spelling the model gets the body's bytes."""
        require_json(request)
        if request.header_values(b"content-type") != [JSON]:
            raise unsupported("Content-Type must be application/json in this spelling, without parameters")

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """See `ServingProtocol.input_column`."""
        del facts
        return cells(rows_of(call.body, "instances"), reader, "instances")

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        return reading.read_prediction(call, response, facts.read, _Predictions(), maps_of=_maps)

    def refusal_members(self, message: str) -> dict[str, object]:
        """V1's error object."""
        return {"error": message}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """The entries as they are, one a prediction."""
        if len(outputs) != call.instances:
            return None
        return json_response({"predictions": list(outputs)})


class _Predictions:
    """`reading.Outputs` over `predictions`, and over `explanations` where something is taken as it stands."""

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        values = cells(rows_of(document, "predictions"), reader, "predictions")
        if not values:
            raise Malformed("a prediction has no such value")
        return values

    def whole(self, document: object, reader: Reader) -> object:
        for name in ("predictions", "explanations"):
            values = [member(row, reader.name, name) for row in rows_of(document, name)]
            if values and ABSENT not in values:
                return values
        return ABSENT


def _maps(document: object) -> Sequence[object]:
    return rows_of(document, "predictions")
