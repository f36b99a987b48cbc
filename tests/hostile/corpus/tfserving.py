"""What TF Serving alone takes: rows or columns, examples, labels for versions, paths in any case."""

from __future__ import annotations

import json

from tests.hostile.case import JSON, Case, declined, passed, request

LINE = b"POST /v1/models/credit:predict HTTP/1.1"
BODY = b'{"instances":[{"income":50.0}]}'
EXAMPLES = b'{"examples":[{"income":50.0}]}'


def at(method: bytes, target: bytes, *statuses: int, body: bytes = BODY) -> Case:
    name = f"{method.decode()} {target.decode()}"
    return declined(name, request(line=method + b" " + target + b" HTTP/1.1", body=body), *statuses)


def saying(name: str, *statuses: int, **members: object) -> Case:
    body = {"instances": [{"income": 50.0}], **members}
    return declined(name, request(line=LINE, body=json.dumps(body).encode()), *statuses)


def raw(name: str, body: bytes, *statuses: int) -> Case:
    return declined(name, request(line=LINE, body=body), *statuses)


CASES = [
    passed("rows", request(line=LINE, body=BODY)),
    passed("a column", request(line=LINE, body=b'{"inputs":{"income":[50.0]}}')),
    passed("of a version", request(line=b"POST /v1/models/credit/versions/1:predict HTTP/1.1", body=BODY)),
    passed("of a label", request(line=b"POST /v1/models/credit/labels/canary:predict HTTP/1.1", body=BODY)),
    passed("classify", request(line=b"POST /v1/models/credit:classify HTTP/1.1", body=EXAMPLES)),
    passed("regress", request(line=b"POST /v1/models/credit:regress HTTP/1.1", body=EXAMPLES)),
    at(b"POST", b"/V1/models/credit:predict", 404),
    at(b"POST", b"/v1/Models/credit:predict", 404),
    at(b"POST", b"/v1/models/credit:PREDICT", 404),
    at(b"POST", b"/v1/models/credit/versions/1/versions/2:predict", 404),
    at(b"POST", b"/v1/models/credit%2Fversions%2F1:predict", 400),
    at(b"POST", b"/v1/models/credit:predict?signature_name=x", 400),
    at(b"GET", b"/v1/models/credit:predict", 405),
    at(b"GET", b"/v1/models/credit/metadata", 403),
    at(b"GET", b"/monitoring/prometheus/metrics", 403),
    at(b"POST", b"/v1/models/credit:classify", 400),
    saying("columns beside rows", 400, inputs={"income": [1]}),
    saying("its version twice", 400, data_version="stale"),
    raw("columns that differ in length", b'{"inputs":{"a":[1],"b":[1,2]}}', 400),
    raw("a batch in columns under one token", b'{"inputs":{"a":[1,2]}}', 403),
    raw("a batch in rows under one token", b'{"instances":[1,2]}', 403),
    raw("rows twice", b'{"instances":[1],"instances":[2]}', 400),
    raw("NaN", b'{"instances":[NaN]}', 400),
    raw("no rows", b'{"instances":[]}', 400),
    declined("as text", request(b"Content-Type: text/plain", line=LINE, body=BODY, without=(JSON,)), 415),
]
