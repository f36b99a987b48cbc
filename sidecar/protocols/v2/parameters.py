"""V2's `parameters` objects: of the request, of each input and of each requested output.

The request's is the second place of governed attributes. What would move a tensor out of our sight, or change what an
output means, is refused in any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.model.refusal import refused
from sidecar.protocols.base import GOVERNED_NAMES, second_sources
from sidecar.protocols.bodies import body_malformed
from sidecar.protocols.media import unsupported
from sidecar.protocols.strict_json import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_Holder = tuple[str, int]
"""Whose `parameters`: `inputs`, 2 for `inputs[2]`; made into words only where a message needs them."""

_REQUEST: _Holder = ("", 0)

_BINARY = {"": "binary_data_output", "inputs": "binary_data_size", "outputs": "binary_data"}
"""The one name of the binary data extension that has a meaning in each place."""
_BINARY_NAMES = frozenset(_BINARY.values())
_NONE: dict[str, object] = {}


def governed(
    body: Mapping[str, object],
    inputs: Sequence[Mapping[str, object]],
    outputs: Sequence[Mapping[str, object]],
    *,
    binary: bool,
) -> dict[str, tuple[object, str]]:
    """Governed attributes of a request (see `Call.parameters`), whose every `parameters` is checked.

    `binary`: whether tensors may be. Refuses with `body_malformed`, `media_type_unsupported` or
    `shared_memory_forbidden`.
    """
    said: dict[str, tuple[object, str]] = {}
    if "parameters" in body:
        said |= second_sources(_checked(body, _REQUEST, binary=binary), "parameter")
    for members, holders in (("inputs", inputs), ("outputs", outputs)):
        for index, holder in enumerate(holders):
            if "parameters" in holder:
                said |= _misplaced(_checked(holder, (members, index), binary=binary), (members, index))
    return said


def _misplaced(parameters: Mapping[str, object], place: _Holder) -> dict[str, tuple[object, str]]:
    """A model sees these too, and nothing says whose word counts: so no value is one here."""
    return {name: (None, f"{_where(place)}.{name}") for name in GOVERNED_NAMES if name in parameters}


def _where(place: _Holder) -> str:
    members, index = place
    return f"{members}[{index}].parameters" if members else "parameters"


def _checked(holder: Mapping[str, object], place: _Holder, *, binary: bool) -> Mapping[str, object]:
    parameters = holder.get("parameters")
    # Typed clients (pydantic's) write null for none.
    if parameters is None:
        return _NONE
    if not is_object(parameters):
        raise body_malformed(f"{_where(place)} is not an object")
    if "shared_memory_region" in parameters:
        raise refused("shared_memory_forbidden", f"{_where(place)} names a shared memory region")
    # Triton then answers with the k best rows of the whole tensor, and dies where it holds words (seen on 2.51).
    if place[0] == "outputs" and "classification" in parameters:
        raise body_malformed(f"{_where(place)} asks for a classification, which is not aligned with instances")
    if not _BINARY_NAMES.isdisjoint(parameters):
        _check_binary(parameters, place, binary=binary)
    return parameters


def _check_binary(parameters: Mapping[str, object], place: _Holder, *, binary: bool) -> None:
    """`binary_data_size` makes Triton skip `data`, which we would judge; the others ask for a binary answer."""
    for name in _BINARY_NAMES & parameters.keys():
        if parameters[name] is False:
            continue
        if not binary:
            raise unsupported(f"{_where(place)} asks for binary tensors; only JSON ones are taken")
        if name != _BINARY[place[0]] or (name != "binary_data_size" and parameters[name] is not True):
            raise body_malformed(f"{_where(place)}.{name} means nothing there")
