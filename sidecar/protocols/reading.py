"""Scores, labels, features and explanation from a model's answer, alike for all protocols (contract 5).

A protocol says where an output lies (`Outputs`); what a score or a label may be is said here, once.

An answer to `explain` need hold no prediction: then there is no score and no label, and a rule that needs one
refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sidecar.model.attributes import VALUE_LIMIT_BYTES
from sidecar.model.facts import Place
from sidecar.model.prediction import Prediction
from sidecar.model.refusal import refused
from sidecar.protocols import strict_json
from sidecar.protocols.media import identity_coded
from sidecar.protocols.numbers import first_number
from sidecar.protocols.pointer import resolve
from sidecar.protocols.probabilities import most_probable, probability
from sidecar.protocols.rows import ABSENT
from sidecar.protocols.strict_json import Malformed, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sidecar.model.facts import ModelFacts, Reader, ReadPlan
    from sidecar.model.message import Response
    from sidecar.protocols.base import Call, ServingProtocol


class Outputs(Protocol):
    """Where one protocol's answers hold named outputs. `document` is the decoded answer."""

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        """One value an instance; raises `Malformed` where the output is not there or has another shape."""
        ...

    def whole(self, document: object, reader: Reader) -> object:
        """The output as it stands, or `ABSENT`."""
        ...


class _Exchange(NamedTuple):
    """One exchange's two bodies, as readers see them."""

    call: Call
    document: object
    outputs: Outputs
    maps_of: Callable[[object], Sequence[object]] | None


def read_prediction(
    call: Call,
    response: Response,
    plan: ReadPlan,
    outputs: Outputs,
    document_of: Callable[[Response], object] | None = None,
    *,
    maps_of: Callable[[object], Sequence[object]] | None = None,
) -> Prediction:
    """What `plan` declares, from a 2xx answer; refuses with `prediction_unreadable`.

    `document_of` makes of an answer what `outputs` reads; without it the answer is JSON. `maps_of` gives of a
    document one map of labels to probabilities an instance, where the protocol's answers hold such.
    """
    if not 200 <= response.status < 300:
        return Prediction(response.status)
    try:
        document = (document_of or json_document)(response) if plan.reads_answer else None
        exchange = _Exchange(call, document, outputs, maps_of)
        score, label = _said(exchange, plan.score), _said(exchange, plan.label)
        return Prediction(
            response.status,
            None if score is None else _scores(exchange, score, plan.score_range),
            None if label is None else _labels(exchange, label),
            _features(exchange, plan) if plan.features else None,
            None if plan.explanation is None else _whole(exchange, plan.explanation),
        )
    except Malformed as error:
        raise refused("prediction_unreadable", f"the model's answer cannot be read: {error}") from None


def without_body(call: Call, facts: ModelFacts, protocol: ServingProtocol) -> Call:
    """The call with what its answer's reading needs of the request's body, and without that."""
    features: dict[str, Sequence[object]] = {
        name: protocol.input_column(call, facts, reader) or ()
        for name, reader in facts.read.features.items()
        if reader.place is Place.INPUT
    }
    return call.without_body(features)


def json_document(response: Response) -> object:
    """An answer's JSON; raises `Malformed`."""
    # Content-Type tells nothing: TorchServe sends none unless the handler does, Triton JSON as text/plain.
    if not identity_coded(response):
        raise Malformed("it is compressed or binary")
    return strict_json.loads(response.body)


def _said(exchange: _Exchange, reader: Reader | None) -> Reader | None:
    """The reader, unless it reads of an explanation what that does not hold."""
    if reader is None or exchange.call.endpoint.operation != "explain" or _whole(exchange, reader) is not None:
        return reader
    return None


def _scores(exchange: _Exchange, reader: Reader, score_range: tuple[float, float] | None) -> tuple[float, ...]:
    low, high = score_range or (float("-inf"), float("inf"))
    scores: list[float] = []
    for value in _answered(exchange, "score", reader):
        # Strict JSON holds no NaN and no infinity, so that a number is a finite one.
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Malformed(f"score {reader} is not a number")
        if not low <= value <= high:
            raise Malformed(f"score {reader} is outside score_range")
        scores.append(float(value))
    return tuple(scores)


def _labels(exchange: _Exchange, reader: Reader) -> tuple[str, ...]:
    return tuple([_label(value, reader) for value in _answered(exchange, "label", reader)])


def _label(value: object, reader: Reader) -> str:
    """A string as it is, an integer in decimal, a boolean as in JSON; a float has no one spelling."""
    if isinstance(value, str):
        if len(value.encode()) > VALUE_LIMIT_BYTES:
            raise Malformed(f"label {reader} is over {VALUE_LIMIT_BYTES} bytes")
        return value
    if isinstance(value, int):
        return str(value).lower()
    raise Malformed(f"label {reader} is neither string nor integer nor boolean")


def _features(exchange: _Exchange, plan: ReadPlan) -> dict[str, object]:
    return {
        name: _feature(exchange, name, reader)
        for name, reader in plan.features.items()
        if reader.place is Place.INPUT or _said(exchange, reader)
    }


def _feature(exchange: _Exchange, name: str, reader: Reader) -> tuple[object, ...]:
    """One scalar an instance, and a string no longer than an attribute: rules read them, fallbacks are made of them."""
    if reader.place is Place.INPUT:
        values = _aligned(exchange, f"feature {name!r}", reader, exchange.call.features.get(name, ()))
    else:
        values = _answered(exchange, f"feature {name!r}", reader)
    if any(is_array(value) or is_object(value) or value is ABSENT for value in values):
        raise Malformed(f"feature {name!r} {reader} is not one scalar an instance")
    if any(isinstance(value, str) and len(value.encode()) > VALUE_LIMIT_BYTES for value in values):
        raise Malformed(f"feature {name!r} {reader} is over {VALUE_LIMIT_BYTES} bytes")
    return tuple(values)


def _whole(exchange: _Exchange, reader: Reader) -> object:
    """An explanation, or None where there is none: that is the rule `explanation`'s to judge."""
    value: object = ABSENT
    if reader.place is Place.POINTER:
        value = resolve(exchange.document, reader.name)
    elif reader.place is Place.OUTPUT:
        value = exchange.outputs.whole(exchange.document, reader)
    return None if value is ABSENT else value


def _answered(exchange: _Exchange, what: str, reader: Reader) -> Sequence[object]:
    """One value an instance, from the answer and from nowhere else."""
    try:
        values = _values(exchange, reader)
    except Malformed as error:
        raise Malformed(f"{what} {reader}: {error}") from None
    return _aligned(exchange, what, reader, values)


def _values(exchange: _Exchange, reader: Reader) -> Sequence[object]:
    if reader.place is Place.OUTPUT:
        return exchange.outputs.column(exchange.document, reader)
    if reader.place is Place.INPUT:
        raise Malformed("an input is the caller's word, not the model's")
    if reader.place is Place.FIRST_NUMBER:
        return (first_number(exchange.document),)
    if reader.place is Place.PROBABILITY:
        return [probability(answered, reader.name) for answered in _maps(exchange)]
    if reader.place is Place.MOST_PROBABLE:
        return [most_probable(answered) for answered in _maps(exchange)]
    value = resolve(exchange.document, reader.name)
    if value is ABSENT:
        raise Malformed("nothing is there")
    return value if is_array(value) else (value,)


def _maps(exchange: _Exchange) -> Sequence[object]:
    if exchange.maps_of is None:
        raise Malformed("this protocol's answers hold no map of labels to probabilities")
    return exchange.maps_of(exchange.document)


def _aligned(exchange: _Exchange, what: str, reader: Reader, values: Sequence[object]) -> Sequence[object]:
    if len(values) != exchange.call.instances:
        raise Malformed(f"{what} {reader}: {len(values)} values for {exchange.call.instances} instances")
    return values
