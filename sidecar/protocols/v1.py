"""KServe's first protocol, "V1": `{"instances":[…]}` in, `{"predictions":[…]}` out.

A row is an object, an array or a scalar. `input:NAME` and `output:NAME` mean the member NAME of an object
row; any other row goes by the name of its array: `input:instances[2]`, `output:predictions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.protocols import reading
from sidecar.protocols.base import Call, second_sources
from sidecar.protocols.bodies import body_malformed, check_instances, decoded_object, json_response
from sidecar.protocols.media import require_json
from sidecar.protocols.rows import ABSENT, cell, member
from sidecar.protocols.strict_json import Malformed, is_array, is_object

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
        require_json(request)
        body = decoded_object(request.body)
        # KServe hands the model the whole body: with both, nobody knows which one it reads.
        if "inputs" in body:
            raise body_malformed("the column form, inputs, is not taken; send instances")
        instances = body.get("instances")
        if not is_array(instances):
            raise body_malformed("instances is not an array")
        check_instances(len(instances), limits)
        return Call(endpoint, len(instances), second_sources(body, "body"), body)

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """See `ServingProtocol.input_column`."""
        del facts
        values = [cell(row, reader, "instances") for row in _rows(call.body, "instances")]
        if all(value is ABSENT for value in values):
            return None
        return () if ABSENT in values else values

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        return reading.read_prediction(call, response, facts.read, _Predictions())

    def refusal_members(self, message: str) -> dict[str, object]:
        """V1's error object."""
        return {"error": message}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """The entries as they are, one a prediction."""
        if len(outputs) != call.instances:
            return None
        return json_response({"predictions": list(outputs)})


class _Predictions:
    """`reading.Outputs` over `predictions`."""

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        values = [cell(row, reader, "predictions") for row in _rows(document, "predictions")]
        if ABSENT in values:
            raise Malformed("a prediction has no such value")
        return values

    def whole(self, document: object, reader: Reader) -> object:
        values = [member(row, reader.name, "predictions") for row in _rows(document, "predictions")]
        return ABSENT if not values or ABSENT in values else values


def _rows(body: object, name: str) -> list[object]:
    rows = body.get(name) if is_object(body) else None
    return rows if is_array(rows) else []
