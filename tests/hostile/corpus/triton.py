"""What Triton alone takes: other ways to infer, tensors beside the JSON, shared memory, management."""

from __future__ import annotations

import json
import struct

from tests.hostile.case import BODY, JSON, Case, declined, passed, request

BINARY = {"name": "income", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
HEAD = json.dumps({"inputs": [BINARY]}).encode()
TENSOR = struct.pack("<d", 50.0)
LENGTH = b"Inference-Header-Content-Length: %d" % len(HEAD)


def management(method: bytes, path: bytes, *statuses: int) -> Case:
    name = f"{method.decode()} {path.decode()}"
    return declined(name, request(line=method + b" " + path + b" HTTP/1.1", body=b"{}"), *statuses or (403,))


def binary(name: str, *fields: bytes, tail: bytes = TENSOR) -> Case:
    return declined(f"binary {name}", request(*fields, body=HEAD + tail), 400, 415)


def tensor(name: str, **changes: object) -> Case:
    """With a length that fits."""
    said = json.dumps({"inputs": [{**BINARY, **changes}]}).encode()
    length = b"Inference-Header-Content-Length: %d" % len(said)
    return declined(f"binary {name}", request(length, body=said + TENSOR), 400, 415)


def memory(name: str, **members: object) -> Case:
    body = {**json.loads(BODY), **members}
    return declined(f"shared memory {name}", request(body=json.dumps(body).encode()), 403)


REGION = {"shared_memory_region": "r", "shared_memory_byte_size": 8}

CASES = [
    *(management(b"POST", path) for path in (b"/v2/repository/index", b"/v2/repository/models/credit/load")),
    management(b"POST", b"/v2/repository/models/credit/unload"),
    *(management(b"GET", path) for path in (b"/v2", b"/v2/models/credit", b"/v2/models/credit/config")),
    *(management(b"GET", path) for path in (b"/v2/models/stats", b"/v2/models/credit/stats", b"/v2/logging")),
    *(management(b"POST", path) for path in (b"/v2/logging", b"/v2/trace/setting")),
    *(management(b"GET", path) for path in (b"/v2/systemsharedmemory/status", b"/v2/cudasharedmemory/status")),
    management(b"POST", b"/v2/systemsharedmemory/region/r/register"),
    management(b"POST", b"/v2/cudasharedmemory/region/r/register"),
    management(b"POST", b"/v2/repository", 403, 404),
    management(b"POST", b"/v2/repository/", 403, 404, 400),
    management(b"DELETE", b"/v2/models/credit", 405, 404),
    management(b"GET", b"/metrics", 404),
    management(b"GET", b"/", 404),
    memory("of an input", inputs=[{"name": "income", "shape": [1], "datatype": "FP64", "parameters": REGION}]),
    memory("of an output", outputs=[{"name": "score", "parameters": REGION}]),
    memory("of an input with data", inputs=[{**json.loads(BODY)["inputs"][0], "parameters": REGION}]),
    # Tensors beside the JSON: a length that is not that of the JSON moves data out of the judge's sight
    binary("length too short", b"Inference-Header-Content-Length: %d" % (len(HEAD) - 1)),
    binary("length too long", b"Inference-Header-Content-Length: %d" % (len(HEAD) + 1)),
    binary("length 0", b"Inference-Header-Content-Length: 0"),
    binary("length of all", b"Inference-Header-Content-Length: %d" % (len(HEAD) + 8)),
    binary("length beyond all", b"Inference-Header-Content-Length: 99999"),
    binary("length negative", b"Inference-Header-Content-Length: -1"),
    binary("length with plus", b"Inference-Header-Content-Length: +%d" % len(HEAD)),
    binary("length with underscore", b"Inference-Header-Content-Length: 1_0"),
    binary("length of 5,000 digits", b"Inference-Header-Content-Length: " + b"9" * 5_000),
    binary("length empty", b"Inference-Header-Content-Length:"),
    binary("length twice", LENGTH, LENGTH),
    binary("length listed", LENGTH + b", %d" % len(HEAD)),
    binary("length behind a no-break", b"Inference-Header-Content-Length: %dx" % len(HEAD)),
    binary("without length"),
    declined(
        "binary without length, octets", request(b"Content-Type: application/octet-stream", without=(JSON,)), 400, 415
    ),
    binary("data too short", LENGTH, tail=TENSOR[:-1]),
    binary("data too long", LENGTH, tail=TENSOR + b"x"),
    binary("data absent", LENGTH, tail=b""),
    tensor("size negative", parameters={"binary_data_size": -8}),
    tensor("size a float", parameters={"binary_data_size": 8.0}),
    tensor("size true", parameters={"binary_data_size": True}),
    tensor("size and data", data=[1.0]),
    tensor("size beyond 64 bits", parameters={"binary_data_size": 2**70}),
    passed("plain V2", request()),
]
