"""Binary tensors: Triton's and KServe's, in both directions, and what is no tensor at all."""

from __future__ import annotations

import gzip
import json
import struct
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.servers.dialects import only
from tests.e2e.servers.wire import compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.servers.guarded import Guarded
    from tests.process import Answer


LENGTH = "Inference_Header_Content_Length"
TAKERS = ("triton", "kserve-v2")


def doubles(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def words(*values: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def binary(name: str, shape: Sequence[int], size: int, datatype: str = "FP64", **more: object) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}, **more}


def message(tails: bytes, *inputs: dict[str, Any], binary_outputs: bool = False, **more: object) -> tuple[bytes, str]:
    """A body and the length of its head. The score is asked for in binary, or as JSON."""
    score = {"name": "score", "parameters": {"binary_data": True}} if binary_outputs else {"name": "score"}
    head = json.dumps({"id": "call-1", "inputs": inputs, "outputs": [score, {"name": "label"}], **more}).encode()
    return head + tails, str(len(head))


def forced(*scores: float, **how: Any) -> tuple[bytes, str]:
    tails = doubles(*scores)
    return message(tails, binary("forced_score", [len(scores)], len(tails)), **how)


def sent(server: Guarded, body: bytes, length: str, **headers: str | None) -> tuple[Answer, Answer]:
    """Through the sidecar, and straight."""
    headers = {"Content_Type": "application/octet-stream", LENGTH: length, **headers}
    return server.call(body, **headers), server.direct(body, **headers)


@only(*TAKERS)
@pytest.mark.parametrize("binary_outputs", [False, True])
def test_tensors_are_read_and_passed_as_they_are(server: Guarded, binary_outputs: bool) -> None:
    answer, direct = sent(server, *forced(0.5, 0.46, binary_outputs=binary_outputs))
    assert answer.status == 200, answer.body
    assert compared(answer) == compared(direct)
    intent, outcome = server.record(answer)
    assert intent["input"]["instances"] == 2
    assert outcome["input"]["prediction"]["scores"] == [0.5, 0.46]
    assert outcome["input"]["prediction"]["labels"] == ["approve", "deny"]
    assert (b"0.46" in answer.body) is not binary_outputs


@only(*TAKERS)
@pytest.mark.parametrize("binary_outputs", [False, True])
def test_a_violating_row_is_refused(server: Guarded, binary_outputs: bool) -> None:
    answer, _ = sent(server, *forced(0.5, 0.9, binary_outputs=binary_outputs))
    assert (answer.status, answer.codes) == (403, ["score_out_of_band"])


@only(*TAKERS)
def test_attributes_stand_in_the_head(server: Guarded) -> None:
    body, length = forced(0.5, parameters={"data_version": "fresh"})
    answer, _ = sent(server, body, length, X_Data_Version=None)
    assert answer.status == 200, answer.body
    with server.not_reached():
        answer = server.call(body, **{LENGTH: length, "Content_Type": None, "X_Data_Version": "another"})
    assert (answer.status, answer.codes) == (400, ["attribute_conflict"])


@only(*TAKERS)
def test_both_kinds_of_tensors_in_one_request(server: Guarded) -> None:
    income = {"name": "income", "shape": [1], "datatype": "FP64", "data": [50.0]}
    answer, direct = sent(server, *message(doubles(150.0), income, binary("loan_amount", [1], 8)))
    assert answer.status == 200, answer.body
    assert compared(answer) == compared(direct)


def wrong() -> dict[str, tuple[bytes, str]]:
    tensor = binary("forced_score", [1], 8)
    body, length = forced(0.5)
    n = int(length)
    return {
        "the head is shorter": (body, str(n - 1)),
        "the head is longer": (body, str(n + 8)),
        "beyond the end": (body, "99999"),
        "signed": (body, f"+{n}"),
        "negative": (body, "-8"),
        "hexadecimal": (body, hex(n)),
        "more than a number": (body, f"{n} x"),
        "empty": (body, ""),
        "the tails are longer": (body + b"\0" * 8, length),
        "the tails are shorter": (body[:-1], length),
        "size below the shape's": message(doubles(0.5), binary("forced_score", [1], 4)),
        "size above the shape's": message(doubles(0.5, 0.5), binary("forced_score", [1], 16)),
        "size is text": message(doubles(0.5), binary("forced_score", [1], "8")),  # pyright: ignore[reportArgumentType]
        "size and data": message(doubles(0.5), tensor | {"data": [0.9]}),
        "a tensor twice": message(doubles(0.5, 0.9), tensor, tensor),
        "NaN": forced(float("nan")),
    }


@only(*TAKERS)
@pytest.mark.parametrize("what", wrong())
def test_what_could_be_read_in_two_ways_is_refused(server: Guarded, what: str) -> None:
    body, length = wrong()[what]
    if what == "NaN":
        answer, _ = sent(server, body, length)
        assert (answer.status, answer.codes) == (502, ["prediction_unreadable"])
        return
    with server.not_reached():
        answer = server.call(body, Content_Type="application/octet-stream", **{LENGTH: length})
    assert (answer.status, answer.codes) == (400, ["body_malformed"])


@only("triton")
def test_coded_tensors(server: Guarded) -> None:
    """The head's length is that of the decoded body."""
    body, length = forced(0.5, binary_outputs=True)
    how = {"Content_Encoding": "gzip", "Accept_Encoding": "gzip"}
    answer, direct = sent(server, gzip.compress(body), length, **how)
    assert answer.status == 200, answer.body
    assert compared(answer) == compared(direct)
    refused, _ = sent(server, gzip.compress(forced(0.9, binary_outputs=True)[0]), length, **how)
    assert (refused.status, refused.codes) == (403, ["score_out_of_band"])


@only("triton")
def test_bytes_tensors(server: Guarded) -> None:
    good = echo(words(b"yes", b"\xff\0"), 2)
    answer = server.call(**good)
    assert answer.status == 200, answer.body
    assert compared(answer) == compared(server.direct(**good))
    assert server.record(answer)[1]["input"]["prediction"]["scores"] == [0.5, 0.5]
    for tails, rows in (
        (words(b"yes") + b"\0", 1),
        (words(b"yes"), 2),
        (words(b"yes", b"no"), 1),
        (b"\x63\0\0\0no", 1),
    ):
        with server.not_reached():
            answer = server.call(**echo(tails, rows))
        assert (answer.status, answer.codes) == (400, ["body_malformed"]), tails


def echo(tails: bytes, rows: int) -> dict[str, Any]:
    """How to ask the model `echo`: one BYTES input in, all outputs in binary out."""
    asked = {"inputs": [binary("words", [rows, 1], len(tails), "BYTES")], "parameters": {"binary_data_output": True}}
    head = json.dumps(asked).encode()
    return {"body": head + tails, "path": "/v2/models/echo/infer", LENGTH: str(len(head)), "Content_Type": None}


@only("triton")
def test_raw_input_has_no_place_for_attributes_but_headers(server: Guarded) -> None:
    with server.not_reached():
        answer = server.call(b"", Content_Type=None, **{LENGTH: "0"})
    assert (answer.status, answer.codes) == (400, ["body_malformed"])


@only("mlserver", "kserve-v1", "torchserve")
def test_a_server_without_binary_tensors_is_sent_none(server: Guarded) -> None:
    """They pass over the header and read the body as JSON."""
    body, length = forced(0.5)
    for headers in ({"Content_Type": "application/octet-stream"}, {}):
        with server.not_reached():
            answer = server.call(body, **{LENGTH: length, **headers})
        assert answer.status in (400, 415)
