"""V2's answers: reading a model's (JSON, binary tails, a stream), and making one of a fallback's entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sidecar.protocols.reading import json_document
from sidecar.protocols.rows import ABSENT, columns_of
from sidecar.protocols.strict_json import Malformed, is_array, is_object
from sidecar.protocols.v2.binary import response_parts, tails
from sidecar.protocols.v2.streams import agreed, documents
from sidecar.protocols.v2.tensors import read_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.model.facts import ModelFacts, Reader
    from sidecar.model.message import Response
    from sidecar.protocols.base import Call


class Answer:
    """`reading.Outputs` over `outputs[]` of one answer. Its document is the JSON; tails stay apart from it."""

    def __init__(self, call: Call, facts: ModelFacts, *, binary: bool) -> None:
        self._call = call
        self._facts = facts
        self._binary = binary
        self._tails: Sequence[memoryview | None] = ()
        self._tensors: list[dict[str, object]] | None = None

    def document(self, response: Response) -> object:
        """What the answer says in JSON; raises `Malformed`."""
        if self._call.stream:
            return _whole_stream(documents(response))
        if not self._binary:
            return json_document(response)
        document, rest = response_parts(response)
        self._tails = tails(_outputs(document), rest)
        return document

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        """See `reading.Outputs.column`."""
        found = self._found(document, reader.name)
        if found is None:
            raise Malformed("the answer has no such output")
        tensor = read_tensor(*found)
        return tensor.column(reader.column, self._call.instances, batch=self._facts.batch)

    def whole(self, document: object, reader: Reader) -> object:
        """See `reading.Outputs.whole`; what is binary becomes flat `data`."""
        found = self._found(document, reader.name)
        if found is None:
            return ABSENT
        tensor, tail = found
        if tail is None:
            return tensor.get("data", ABSENT)
        return list(read_tensor(tensor, tail).elements.every(0, 1))

    def _found(self, document: object, name: str) -> tuple[dict[str, object], memoryview | None] | None:
        """The output of a name, and its tail; None where there is none. Raises `Malformed` where there are two."""
        if self._tensors is None:
            self._tensors = _outputs(document)
        found: tuple[dict[str, object], memoryview | None] | None = None
        for index, tensor in enumerate(self._tensors):
            if tensor.get("name") == name:
                if found is not None:
                    raise Malformed("outputs holds it twice")
                found = tensor, self._tails[index] if self._tails else None
        return found


def _outputs(document: object) -> list[dict[str, object]]:
    items = document.get("outputs") if is_object(document) else None
    if items is None:
        return []
    if not is_array(items) or not set(map(type, items)) <= {dict}:
        raise Malformed("outputs is not an array of objects")
    return cast("list[dict[str, object]]", items)


def _whole_stream(events: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """One answer for all events: the outputs by name, of which those that the events say alike remain."""
    outputs = agreed([_by_name(event) for event in events])
    return {**agreed(events), "outputs": list(outputs.values())}


def _by_name(event: Mapping[str, object]) -> dict[str, object]:
    named = {str(tensor.get("name")): tensor for tensor in _outputs(event)}
    if len(named) != len(_outputs(event)):
        raise Malformed("outputs holds a name twice")
    return dict(named)


def fallback_columns(rows: Sequence[object]) -> list[dict[str, object]] | None:
    """A tensor for each member of the rows; None unless the rows are objects alike, of scalars that tensors hold."""
    by_name = columns_of(rows)
    if by_name is None:
        return None
    columns: list[dict[str, object]] = []
    for name, data in by_name.items():
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
