"""The Open Inference Protocol, "V2": Triton, MLServer, KServe; JSON tensors.

Governed attributes have their second place in the request's `parameters`. Unknown top-level keys are ignored
by all three servers on `infer`, and by us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sidecar.model.refusal import refused
from sidecar.protocols import reading, tensors
from sidecar.protocols.base import GOVERNED_NAMES, Call, second_sources
from sidecar.protocols.bodies import body_malformed, check_instances, decoded_object, json_response
from sidecar.protocols.media import require_json, unsupported
from sidecar.protocols.rows import ABSENT
from sidecar.protocols.strict_json import Malformed, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Limits

_BINARY = frozenset(("binary_data", "binary_data_size", "binary_data_output"))
_NONE: dict[str, object] = {}

_Place = tuple[str, int]
"""`inputs`, 2 for `inputs[2]`; made into words only where a message needs them."""
_REQUEST: _Place = ("", 0)


class V2:
    """V2 over HTTP with JSON bodies; binary tensors are refused."""

    name = "v2"
    names_model = False

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        require_json(request)
        body = decoded_object(request.body)
        governed = second_sources(_parameters(body, _REQUEST), "parameter")
        inputs = _objects(body, "inputs")
        if not inputs:
            raise body_malformed("inputs holds no tensor")
        for place, holder in _holders(inputs, _objects(body, "outputs")):
            if parameters := _parameters(holder, place):
                governed |= _misplaced(parameters, place)
        instances = _instances(inputs, facts.of(endpoint.model))
        check_instances(instances, limits)
        return Call(endpoint, instances, governed, body, id=_id(body))

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """See `ServingProtocol.input_column`."""
        tensor = _tensor(call.body, "inputs", reader.name)
        if tensor is None:
            return None
        try:
            return _column(tensor, reader, call, facts)
        except Malformed:
            return ()

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        return reading.read_prediction(call, response, facts.read, _Outputs(call, facts))

    def refusal_members(self, message: str) -> dict[str, object]:
        """V2's error object."""
        return {"error": message}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """One tensor `[n]` for each member of the entries, which must be objects with the same members."""
        columns = _fallback_columns(outputs)
        if columns is None or len(outputs) != call.instances:
            return None
        answer: dict[str, object] = {"model_name": call.endpoint.model, "outputs": columns}
        if call.endpoint.version is not None:
            answer["model_version"] = call.endpoint.version
        if call.id is not None:
            answer["id"] = call.id
        return json_response(answer)


class _Outputs:
    """`reading.Outputs` over `outputs[]`."""

    def __init__(self, call: Call, facts: ModelFacts) -> None:
        self._call = call
        self._facts = facts

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        tensor = _tensor(document, "outputs", reader.name)
        if tensor is None:
            raise Malformed("the answer has no such output")
        return _column(tensor, reader, self._call, self._facts)

    def whole(self, document: object, reader: Reader) -> object:
        tensor = _tensor(document, "outputs", reader.name)
        return ABSENT if tensor is None else tensor.get("data", ABSENT)


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


def _holders(
    inputs: list[dict[str, object]], outputs: list[dict[str, object]]
) -> Iterator[tuple[_Place, dict[str, object]]]:
    for members, holders in (("inputs", inputs), ("outputs", outputs)):
        for index, holder in enumerate(holders):
            yield (members, index), holder


def _where(place: _Place) -> str:
    members, index = place
    return f"{members}[{index}].parameters" if members else "parameters"


def _misplaced(parameters: Mapping[str, object], place: _Place) -> dict[str, tuple[object, str]]:
    """A model sees these too, and nothing says whose word counts: so no value is one here."""
    return {name: (None, f"{_where(place)}.{name}") for name in GOVERNED_NAMES if name in parameters}


def _parameters(holder: Mapping[str, object], place: _Place) -> Mapping[str, object]:
    parameters = holder.get("parameters")
    # Typed clients (pydantic's) write null for none.
    if parameters is None:
        return _NONE
    if not is_object(parameters):
        raise body_malformed(f"{_where(place)} is not an object")
    if "shared_memory_region" in parameters:
        raise refused("shared_memory_forbidden", f"{_where(place)} names a shared memory region")
    # `binary_data_size` makes Triton skip `data`, which we would have judged; others ask for a binary answer.
    if not _BINARY.isdisjoint(parameters) and _asks_for_binary(parameters):
        raise unsupported(f"{_where(place)} asks for binary tensors; only JSON ones are taken")
    return parameters


def _asks_for_binary(parameters: Mapping[str, object]) -> bool:
    return any(parameters[name] is not False for name in _BINARY & parameters.keys())


def _instances(inputs: list[dict[str, object]], facts: ModelFacts) -> int:
    """Contract 2: the first input's leading dimension, or 1 where the model takes no batch.

    All inputs must agree on it: else a first input of one row would hide a hundred in the second.
    """
    names: set[str] = set()
    leading: set[int] = set()
    for index, tensor in enumerate(inputs):
        shape = _input_shape(tensor, index)
        name = tensor.get("name")
        if not isinstance(name, str) or name in names:
            raise body_malformed(f"inputs[{index}].name is not a string of its own")
        names.add(name)
        leading.add(shape[0] if shape else 0)
    if not facts.batch:
        return 1
    if len(leading) > 1:
        raise body_malformed(
            "inputs differ in their leading dimension, the number of instances; "
            'a model that takes no batch has "batch": false in its facts'
        )
    return leading.pop()


def _input_shape(tensor: dict[str, object], index: int) -> list[int]:
    try:
        return tensors.read_tensor(tensor)[0]
    except Malformed as error:
        raise body_malformed(f"inputs[{index}]: {error}") from None


def _tensor(holder: object, members: str, name: str) -> dict[str, object] | None:
    """The tensor of a name; None where there is none. Raises `Malformed` where there are two."""
    items = holder.get(members) if is_object(holder) else None
    if not is_array(items):
        return None
    found = [item for item in items if is_object(item) and item.get("name") == name]
    if len(found) > 1:
        raise Malformed(f"{members} holds it twice")
    return found[0] if found else None


def _column(tensor: dict[str, object], reader: Reader, call: Call, facts: ModelFacts) -> Sequence[object]:
    shape, elements = tensors.read_tensor(tensor)
    return tensors.column(shape, elements, reader.column, call.instances, batch=facts.batch)


def _fallback_columns(rows: Sequence[object]) -> list[dict[str, object]] | None:
    objects = [row for row in rows if is_object(row)]
    if not objects or len(objects) != len(rows) or any(row.keys() != objects[0].keys() for row in objects):
        return None
    columns: list[dict[str, object]] = []
    for name in objects[0]:
        data = [row[name] for row in objects]
        datatype = _datatype(data)
        if datatype is None:
            return None
        columns.append({"name": name, "shape": [len(data)], "datatype": datatype, "data": data})
    return columns


def _datatype(data: list[object]) -> str | None:
    kinds = set(map(type, data))
    if kinds <= {int, float} and float in kinds:
        return "FP64"
    return {str: "BYTES", bool: "BOOL", int: "INT64"}.get(kinds.pop()) if len(kinds) == 1 else None
