"""Binary tensors: what is written is what is read, and a body that is off by a byte is refused."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Request, Response
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.media import OCTETS
from sidecar.protocols.v2.binary import Framing
from sidecar.protocols.v2.protocol import V2

ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer", "m")
FACTS = ModelFacts("m")
PROTOCOL = V2(Framing(binary_types=(OCTETS,)))

CODES: dict[str, str] = dict(
    zip(
        ("BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64"),
        "?bhiqBHIQefd",
        strict=True,
    )
)
FLOATS = {"FP16": 16, "FP32": 32, "FP64": 64}


def values(datatype: str) -> st.SearchStrategy[Any]:
    if datatype == "BYTES":
        return st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
    if datatype == "BOOL":
        return st.booleans()
    if datatype in FLOATS:
        return st.floats(allow_nan=False, allow_infinity=False, width=FLOATS[datatype])  # pyright: ignore
    if datatype == "BF16":
        # A number whose lower half is zero, so that nothing is lost.
        bits = st.integers(0, 2**16 - 1).filter(lambda upper: upper & 0x7F80 != 0x7F80)
        return bits.map(lambda upper: struct.unpack("<f", struct.pack("<I", upper << 16))[0])
    bits = int(datatype.removeprefix("U").removeprefix("INT"))
    return (
        st.integers(0, 2**bits - 1)
        if datatype.startswith("U")
        else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )


def wire(datatype: str, data: list[Any]) -> bytes:
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in data)
    if datatype == "BF16":
        return b"".join(struct.pack("<f", value)[2:] for value in data)
    return struct.pack(f"<{len(data)}{CODES[datatype]}", *data)


@dataclass(frozen=True)
class Written:
    """A tensor and how it goes on the wire."""

    head: dict[str, Any]
    tail: bytes
    data: list[Any]


@st.composite
def tensors(draw: st.DrawFn) -> list[Written]:
    rows = draw(st.integers(1, 4))
    written: list[Written] = []
    for index in range(draw(st.integers(1, 4))):
        width = draw(st.integers(0, 3))
        datatype = draw(st.sampled_from([*CODES, "BF16", "BYTES"]))
        data = draw(st.lists(values(datatype), min_size=rows * width, max_size=rows * width))
        head: dict[str, Any] = {"name": f"t{index}", "shape": [rows, width], "datatype": datatype}
        tail = wire(datatype, data) if draw(st.booleans()) else None
        more = {"data": data} if tail is None else {"parameters": {"binary_data_size": len(tail)}}
        written.append(Written(head | more, tail or b"", data))
    return written


def headed(members: str, written: list[Written]) -> tuple[bytes, bytes]:
    head = orjson.dumps({members: [tensor.head for tensor in written]})
    return head, b"".join(tensor.tail for tensor in written)


def read(body: bytes, head_length: int) -> Call:
    headers = ((b"content-type", OCTETS), (b"inference-header-content-length", str(head_length).encode()))
    return PROTOCOL.read_request(ENDPOINT, Request("POST", "/", headers, body), Facts("r", {}), Limits())


@given(tensors())
def test_inputs_are_read_as_they_were_written(written: list[Written]) -> None:
    head, tails = headed("inputs", written)
    call = read(head + tails, len(head))
    assert call.instances == written[0].head["shape"][0]
    for tensor in written:
        width = tensor.head["shape"][1]
        for column in range(width):
            reader = parse_reader(f"input:{tensor.head['name']}[{column}]")
            assert PROTOCOL.input_column(call, FACTS, reader) == tensor.data[column::width]


@given(tensors())
def test_outputs_are_read_as_they_were_written(written: list[Written]) -> None:
    head, tails = headed("outputs", written)
    headers = ((b"inference-header-content-length", str(len(head)).encode()),)
    for tensor in written:
        plan = ReadPlan(explanation=parse_reader(f"output:{tensor.head['name']}"))
        call = Call(ENDPOINT, tensor.head["shape"][0])
        answer = Response(200, headers, head + tails)
        prediction = PROTOCOL.read_prediction(call, answer, ModelFacts("m", read=plan))
        assert prediction.explanation == tensor.data


@given(tensors(), st.data())
def test_a_body_that_is_off_by_a_byte_is_refused(written: list[Written], data: st.DataObject) -> None:
    head, tails = headed("inputs", written)
    read(head + tails, len(head))
    end, body = len(head), head + tails
    wrong = data.draw(
        st.sampled_from([(body + b"\0", end), (body[:-1], end), (body, end + 1), (body, end - 1), (b" " + body, end)])
    )
    with pytest.raises(Refused):
        read(*wrong)


@given(tensors(), st.integers(0, 60), st.binary(max_size=8))
def test_any_tails_are_read_or_refused(written: list[Written], at: int, noise: bytes) -> None:
    head, tails = headed("inputs", written)
    changed = (tails[:at] + noise + tails[at + len(noise) :])[: len(tails)]
    codes: set[str] = set()
    try:
        call = read(head + changed, len(head))
    except Refused as refusal:
        codes = {reason.code for reason in refusal.reasons}
    else:
        for tensor in written:
            PROTOCOL.input_column(call, FACTS, parse_reader(f"input:{tensor.head['name']}[0]"))
    assert codes <= {"body_malformed"}
