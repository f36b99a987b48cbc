"""What KServe alone takes: V1 beside V2, CloudEvents, decoded paths, the OpenAI style under a prefix, a repository."""

from __future__ import annotations

from tests.hostile.case import JSON, VERSION, Case, Good, declined, passed

GOOD = Good(b"POST /v1/models/credit:predict HTTP/1.1", b'{"instances":[{"income":50.0}]}')
at, saying, raw = GOOD.at, GOOD.saying, GOOD.raw


def typed(media_type: bytes) -> Case:
    field = b"Content-Type: " + media_type
    return declined(f"as {media_type.decode()}", GOOD.request(field, without=(JSON,)), 415)


EVENT = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "time": "2026-11-20T00:00:00Z"}

CASES = [
    passed("predict", GOOD.request()),
    passed("explain", GOOD.request(line=b"POST /v1/models/credit:explain HTTP/1.1")),
    at(b"GET", b"/v1/models/credit:predict", 405),
    at(b"POST", b"/v1/models/credit%3Apredict", 400),
    at(b"POST", b"/v1/models/cred%69t:predict", 400),
    at(b"POST", b"/v1/models/credit:predict/", 404),
    at(b"POST", b"/v1/models/credit:Predict", 404),
    at(b"POST", b"/v1/models/credit:predict:explain", 404),
    at(b"POST", b"/v1/models/credit:predict?explain=true", 400),
    at(b"POST", b"/v1/models/credit:classify", 404),
    at(b"POST", b"/v2/repository/models/credit/unload", 403),
    at(b"POST", b"/v2/repository/models/credit/load", 403),
    at(b"GET", b"/metrics", 403),
    at(b"GET", b"/docs", 404),
    at(b"GET", b"/openai/v1/models", 403),
    saying("its version twice", 400, data_version="stale"),
    saying("a version that is no string", 400, data_version=["fresh"]),
    saying("a structured CloudEvent", 400, **EVENT, data={"instances": [{"income": 90.0}]}),
    saying("columns beside rows", 400, inputs=[[1]]),
    raw("no rows", b'{"instances":[]}', 400),
    raw("rows that are no array", b'{"instances":{"0":{}}}', 400),
    raw("rows twice", b'{"instances":[1],"instances":[2]}', 400),
    raw("rows twice, escaped", b'{"instances":[1],"\\u0069nstances":[2]}', 400),
    raw("a batch under one token", b'{"instances":[1,2]}', 403),
    declined("no version", GOOD.request(without=(VERSION,)), 400),
    # Under another spelling the model gets the body's bytes, unread by KServe
    *map(
        typed, (b"text/plain", b"application/json; charset=utf-8", b"APPLICATION/JSON", b"application/cloudevents+json")
    ),
    typed(b"application/octet-stream"),
]
