"""TorchServe infers under aliases, on any method, and manages itself on the same paths when it is told to."""

from __future__ import annotations

from tests.hostile.case import JSON, Good, declined, passed

GOOD = Good(b"POST /predictions/credit HTTP/1.1")
at, raw = GOOD.at, GOOD.raw

CASES = [
    passed("predictions", GOOD.request()),
    passed("predictions of a version", GOOD.request(line=b"POST /predictions/credit/1.0 HTTP/1.1")),
    *(at(method, b"/predictions/credit", 405) for method in (b"GET", b"PATCH", b"DELETE", b"OPTIONS")),
    at(b"POST", b"/predictions/credit?data_version=stale", 400),
    at(b"POST", b"/predictions/credit?customized=true", 400),
    at(b"POST", b"/predictions/../models/credit", 400),
    at(b"POST", b"/predictions/credit/../../models", 400),
    at(b"POST", b"/predictions/credit/", 404),
    at(b"POST", b"/predictions/", 404),
    at(b"POST", b"/predictions%2fcredit", 400),
    at(b"POST", b"/Predictions/credit", 404),
    at(b"GET", b"/models", 403),
    at(b"GET", b"/models/credit", 403),
    at(b"POST", b"/models?url=http://attacker/x.mar", 403),
    at(b"DELETE", b"/models/credit", 403),
    at(b"PUT", b"/models/credit?min_worker=100", 403),
    at(b"PUT", b"/models/credit/1.0/set-default", 403),
    at(b"GET", b"/workflows", 403),
    at(b"POST", b"/workflows?url=x", 403),
    at(b"DELETE", b"/workflows/credit", 403),
    at(b"GET", b"/token?type=management", 403),
    at(b"GET", b"/metrics", 404),
    at(b"GET", b"/api-description", 403),
    at(b"POST", b"/predictions/..%2fmodels", 400),
    raw("a key twice", b'{"a":1,"a":2}', 400),
    declined(
        "a form that says its version twice",
        GOOD.request(
            b"Content-Type: application/x-www-form-urlencoded",
            body=b"data_version=fresh&data_version=stale",
            without=(JSON,),
        ),
        400,
        415,
    ),
]
