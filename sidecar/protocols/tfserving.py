"""TensorFlow Serving's REST protocol: `predict` by rows or by columns, `classify`, `regress`.

| request | answer | a value that has no name of its own |
|---|---|---|
| `instances`, one entry an instance | `predictions` | `input:instances`, `output:predictions` |
| `inputs`, one tensor or several by name | `outputs` | `input:inputs`, `output:outputs` |
| `examples`, objects, and `context`, for all of them | `results` | `output:results` |

Top-level keys that TF Serving does not know it ignores: there is the second place of governed attributes. It reads
JSON whatever Content-Type says, and of two equal keys the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.protocols import reading
from sidecar.protocols.base import Call, second_sources
from sidecar.protocols.bodies import body_malformed, check_instances, json_object, json_response
from sidecar.protocols.media import UNSAID, require_json
from sidecar.protocols.rows import ABSENT, cells, columns_of, member, pick, rows_of
from sidecar.protocols.strict_json import Malformed, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Limits

_OTHER_TYPES = (UNSAID, b"application/x-www-form-urlencoded")
"""What its clients say beside JSON: those of the documentation's `curl -d` and of clients that say nothing."""


class ColumnCall(Call):
    """A call in the column form, to which an answer of ours has columns too."""

    __slots__ = ()


class TFServing:
    """TF Serving's three methods; `predict` is the operation `infer`."""

    name = "tfserving"
    names_model = False

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        require_json(request, *_OTHER_TYPES)
        body = json_object(request.body)
        governed = second_sources(body, "body")
        instances, kind = _instances(endpoint, body, facts.of(endpoint.model))
        check_instances(instances, limits)
        return kind(_with_label(endpoint, request.path), instances, governed, body)

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """See `ServingProtocol.input_column`."""
        body = call.body if is_object(call.body) else {}
        if isinstance(call, ColumnCall):
            return _column(body["inputs"], reader, "inputs", call, facts)
        if call.endpoint.operation == "infer":
            return cells(rows_of(body, "instances"), reader, "instances")
        return _example_values(body, call, reader)

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        return reading.read_prediction(call, response, facts.read, _Answer(call, facts), maps_of=_maps)

    def refusal_members(self, message: str) -> dict[str, object]:
        """TF Serving's error object."""
        return {"error": message}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """The entries as they are, one a prediction or result; as columns where the request came in columns."""
        if len(outputs) != call.instances:
            return None
        if call.endpoint.operation != "infer":
            return json_response({"results": list(outputs)})
        if not isinstance(call, ColumnCall):
            return json_response({"predictions": list(outputs)})
        columns = _columns_of(outputs)
        return None if columns is None else json_response({"outputs": columns})


class _Answer:
    """`reading.Outputs` over `predictions`, `outputs` or `results`, of which an answer has one."""

    def __init__(self, call: Call, facts: ModelFacts) -> None:
        self._call = call
        self._facts = facts

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        key = _answer_key(document)
        if key == "outputs":
            values = _column(member(document, key), reader, key, self._call, self._facts)
        else:
            values = cells(rows_of(document, key), reader, key)
        if not values:
            raise Malformed("the answer has no such value for each instance")
        return values

    def whole(self, document: object, reader: Reader) -> object:
        key = _answer_key(document)
        if key == "outputs":
            return _tensor(member(document, key), reader.name, key)
        values = [member(row, reader.name, key) for row in rows_of(document, key)]
        return ABSENT if not values or ABSENT in values else values


def _answer_key(document: object) -> str:
    keys = [key for key in ("predictions", "outputs", "results") if member(document, key) is not ABSENT]
    if len(keys) != 1:
        raise Malformed("it holds not one of predictions, outputs and results")
    return keys[0]


def _maps(document: object) -> Sequence[object]:
    key = _answer_key(document)
    if key == "outputs":
        raise Malformed("columns are no map of labels to probabilities; name one with output:NAME")
    return rows_of(document, key)


def _with_label(endpoint: Endpoint, path: str) -> Endpoint:
    """A label is a name that moves between versions: `label:3` is not version 3."""
    return endpoint._replace(version=f"label:{endpoint.version}") if "/labels/" in path else endpoint


def _instances(endpoint: Endpoint, body: Mapping[str, object], facts: ModelFacts) -> tuple[int, type[Call]]:
    """How many there are, and the kind of call; refuses what is in none of the forms, or in two."""
    if endpoint.operation != "infer":
        return _examples(body), Call
    if ("instances" in body) is ("inputs" in body):
        raise body_malformed("the body holds not one of instances and inputs")
    if "instances" in body:
        if not is_array(body["instances"]):
            raise body_malformed("instances is not an array")
        return len(body["instances"]), Call
    return _leading(_tensors(body["inputs"], "inputs"), facts), ColumnCall


def _examples(body: Mapping[str, object]) -> int:
    examples = body.get("examples")
    if not is_array(examples) or not all(map(is_object, examples)):
        raise body_malformed("examples is not an array of objects")
    if not is_object(body.get("context", {})):
        raise body_malformed("context is not an object")
    return len(examples)


def _leading(tensors: Mapping[str, object], facts: ModelFacts) -> int:
    """Contract 2: the leading dimension, on which all inputs must agree; 1 where the model takes no batch."""
    if not facts.batch:
        return 1
    lengths = {len(tensor) if is_array(tensor) else None for tensor in tensors.values()}
    length = lengths.pop() if len(lengths) == 1 else None
    if length is None:
        raise body_malformed(
            "inputs do not agree on a leading dimension, the number of instances; "
            'a model that takes no batch has "batch": false in its facts'
        )
    return length


def _tensors(value: object, key: str) -> Mapping[str, object]:
    """The tensors at `inputs` or `outputs` by name; one alone goes by the key."""
    return value if is_object(value) and not _is_binary(value) else {key: value}


def _is_binary(value: Mapping[str, object]) -> bool:
    """Bytes as TF Serving writes them: `{"b64": "…"}` is a scalar."""
    return len(value) == 1 and isinstance(value.get("b64"), str)


def _tensor(value: object, name: str, key: str) -> object:
    return _tensors(value, key).get(name, ABSENT)


def _column(value: object, reader: Reader, key: str, call: Call, facts: ModelFacts) -> Sequence[object] | None:
    """One value an instance of a tensor `[n]`, `[n,1]` or, with its column, `[n,k]`; without batch it is one row."""
    tensor = _tensor(value, reader.name, key)
    if tensor is ABSENT:
        return None
    rows = (tensor if is_array(tensor) else ()) if facts.batch else (tensor,)
    values = [pick(row, reader.column) for row in rows]
    return () if ABSENT in values or len(values) != call.instances else values


def _example_values(body: Mapping[str, object], call: Call, reader: Reader) -> Sequence[object] | None:
    """A feature of the examples, or of the context for all of them; in both it is none, as TF Serving says."""
    values = cells(rows_of(body, "examples"), reader, "examples")
    common = member(body.get("context"), reader.name)
    if common is ABSENT:
        return values
    value = pick(common, reader.column)
    return () if value is ABSENT or values is not None else (value,) * call.instances


def _columns_of(rows: Sequence[object]) -> object:
    """Objects with the same members as one column a member, others as one column; None where they are mixed.

    One column alone has no name, as TF Serving has it.
    """
    if not any(map(is_object, rows)):
        return list(rows)
    columns = columns_of(rows)
    if columns is None:
        return None
    return next(iter(columns.values())) if len(columns) == 1 else columns
