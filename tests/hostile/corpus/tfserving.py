"""What TF Serving alone takes: rows or columns, examples, labels for versions, paths in any case."""

from __future__ import annotations

from tests.hostile.case import JSON, Good, declined, passed

GOOD = Good(b"POST /v1/models/credit:predict HTTP/1.1", b'{"instances":[{"income":50.0}]}')
at, saying, raw = GOOD.at, GOOD.saying, GOOD.raw
EXAMPLES = b'{"examples":[{"income":50.0}]}'

CASES = [
    passed("rows", GOOD.request()),
    passed("a column", GOOD.request(body=b'{"inputs":{"income":[50.0]}}')),
    passed("of a version", GOOD.request(line=b"POST /v1/models/credit/versions/1:predict HTTP/1.1")),
    passed("of a label", GOOD.request(line=b"POST /v1/models/credit/labels/canary:predict HTTP/1.1")),
    passed("classify", GOOD.request(line=b"POST /v1/models/credit:classify HTTP/1.1", body=EXAMPLES)),
    passed("regress", GOOD.request(line=b"POST /v1/models/credit:regress HTTP/1.1", body=EXAMPLES)),
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
    declined("as text", GOOD.request(b"Content-Type: text/plain", without=(JSON,)), 415),
]
