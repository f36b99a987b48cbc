"""The Open Inference Protocol, "V2": Triton, MLServer, KServe.

Governed attributes have their second place in the request's `parameters`. Unknown top-level keys are ignored
by all three servers on `infer`, and by us.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from sidecar.protocols import reading
from sidecar.protocols.base import Call
from sidecar.protocols.bodies import body_malformed, check_instances
from sidecar.protocols.media import unsupported
from sidecar.protocols.strict_json import Malformed, is_array, is_object
from sidecar.protocols.v2.answer import Answer, fallback_columns
from sidecar.protocols.v2.binary import JSON_ONLY, request_parts, tails
from sidecar.protocols.v2.datatypes import MAX_STRINGS, are_of
from sidecar.protocols.v2.parameters import governed
from sidecar.protocols.v2.streams import STREAMED, fallback_response
from sidecar.protocols.v2.tensors import Tensor, read_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Limits
    from sidecar.protocols.v2.binary import Framing


MAX_INPUTS = 4_096
"""Each takes some 5 µs to check, however small; a codec with an input for each column of a table needs hundreds."""


class V2:
    """V2 over HTTP. `framing` says which bodies the server reads; by itself, JSON alone.

    `name` is another one where a server has V2 twice, in two framings.
    """

    names_model = False

    def __init__(self, framing: Framing = JSON_ONLY, name: str = "v2") -> None:
        self.name = name
        self._framing = framing

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`; the body becomes the inputs by name."""
        known = facts.of(endpoint.model)
        head, rest = request_parts(request, self._framing)
        if head is None:
            return _raw(endpoint, known)
        inputs = _objects(head, "inputs")
        if not inputs:
            raise body_malformed("inputs holds no tensor")
        if len(inputs) > MAX_INPUTS:
            raise body_malformed(f"inputs holds more than {MAX_INPUTS} tensors")
        said = governed(head, inputs, _objects(head, "outputs"), binary=self._framing.takes_binary)
        tensors = _tensors(inputs, rest)
        instances = _instances(tensors, known)
        check_instances(instances, limits)
        streamed = endpoint.operation in STREAMED
        return Call(endpoint, instances, said, tensors, stream=streamed, id=_id(head))

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """See `ServingProtocol.input_column`."""
        if call.body is None:
            return ()  # raw: an input without a name
        tensor = cast("Mapping[str, Tensor]", call.body).get(reader.name)
        if tensor is None:
            return None
        try:
            values = tensor.column(reader.column, call.instances, batch=facts.batch)
        except Malformed:
            return ()
        return values if are_of(tensor.datatype, values) else ()

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        answer = Answer(call, facts, binary=self._framing.takes_binary)
        return reading.read_prediction(call, response, facts.read, answer, answer.document)

    def refusal_members(self, message: str) -> dict[str, object]:
        """V2's error object."""
        return {"error": message}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """One tensor `[n]` for each member of the entries, which must be objects with the same members."""
        columns = fallback_columns(outputs)
        if columns is None or len(outputs) != call.instances:
            return None
        return fallback_response(call, {"outputs": columns})


def _raw(endpoint: Endpoint, facts: ModelFacts) -> Call:
    """A body that is one tensor: how many rows it has depends on the model's configuration, which nobody told us."""
    if facts.batch:
        raise unsupported(
            "raw input says nothing of its rows: it is taken for a model that takes no batch, "
            'with "batch": false in its facts'
        )
    return Call(endpoint, 1)


def _id(body: Mapping[str, object]) -> str | None:
    value = body.get("id")
    return value if isinstance(value, str) else None


def _objects(body: dict[str, object], members: str) -> list[dict[str, object]]:
    """The objects in an array of the body; none where it is absent or null."""
    items = body.get(members)
    if items is None:
        return []
    if not is_array(items):
        raise body_malformed(f"{members} is not an array")
    for index, item in enumerate(items):
        if not is_object(item):
            raise body_malformed(f"{members}[{index}] is not an object")
    return cast("list[dict[str, object]]", items)


def _tensors(inputs: list[dict[str, object]], rest: memoryview) -> dict[str, Tensor]:
    """The inputs by name."""
    try:
        data = tails(inputs, rest)
    except Malformed as error:
        raise body_malformed(f"inputs: {error}") from None
    tensors: dict[str, Tensor] = {}
    strings = 0
    for index, tensor in enumerate(inputs):
        tail, name = data[index], tensor.get("name")
        # Triton cuts a name off at NUL: the input would be another one than was looked at.
        if not isinstance(name, str) or name in tensors or "\0" in name:
            raise body_malformed(f"inputs[{index}].name is not a string of its own")
        try:
            read = tensors[name] = read_tensor(tensor, tail)
        except Malformed as error:
            raise body_malformed(f"inputs[{index}]: {error}") from None
        if tail is not None and read.datatype == "BYTES":
            strings += math.prod(read.shape)
            if strings > MAX_STRINGS:
                raise body_malformed(f"inputs hold more than {MAX_STRINGS} binary strings")
    return tensors


def _instances(tensors: Mapping[str, Tensor], facts: ModelFacts) -> int:
    """Contract 2: the first input's leading dimension, or 1 where the model takes no batch.

    All inputs must agree on it: else a first input of one row would hide a hundred in the second.
    """
    if not facts.batch:
        return 1
    leading = {tensor.shape[0] if tensor.shape else 0 for tensor in tensors.values()}
    if len(leading) > 1:
        raise body_malformed(
            "inputs differ in their leading dimension, the number of instances; "
            'a model that takes no batch has "batch": false in its facts'
        )
    return leading.pop()
