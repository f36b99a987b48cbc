"""The targets: any bytes in; only declared exceptions out, and what is accepted is read as others read it."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sidecar.consent.claims import parse_claims
from sidecar.consent.strict_json import parse_object
from sidecar.consent.verify import _header, _Rejected
from sidecar.http1.errors import ExchangeFailed
from sidecar.http1.request_reader import Head, RequestReader, Violation
from sidecar.http1.response_reader import ResponseReader
from sidecar.http1.rules import target_fault
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_group_source, parse_reader
from sidecar.model.message import Request, Response
from sidecar.model.refusal import Refused
from sidecar.protocols import sse, strict_json
from sidecar.protocols.attributes import extract, forbidden_headers, problems
from sidecar.protocols.base import Limits
from sidecar.protocols.coding import decoded, readable_request, readable_response
from sidecar.protocols.servers import SERVERS
from tests.hostile.case import BODY
from tests.hostile.upstream import PREDICTION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.reasons import Reason
    from sidecar.protocols.servers import Server

LIMIT_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Target:
    """`check` takes any bytes, and raises where something is wrong. `seeds`: where a run begins."""

    name: str
    check: Callable[[bytes], None]
    seeds: Sequence[bytes] = (b"",)


# Requests and responses: any cut gives the same verdict. The first byte says where to cut.


class _Sink:
    """What a reader told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.body = bytearray()

    def head_read(self, head: Head) -> Reason | None:
        self.told.append((head.method, head.target, head.version, tuple(head.fields), head.framing, head.keep_alive))
        return None

    def body_read(self, part: bytes) -> None:
        self.body += part

    def request_read(self) -> None:
        self.told.append(bytes(self.body))
        self.body.clear()


def _pieces(data: bytes) -> list[bytes]:
    at = 1 + (data[0] if data else 0)
    return [piece for piece in (data[1:at], data[at : 2 * at], data[2 * at :]) if piece]


def _requests(pieces: list[bytes]) -> tuple[list[object], str]:
    sink = _Sink()
    reader = RequestReader(sink, section_limit_bytes=16_384, count_limit=100)
    try:
        for piece in pieces:
            reader.feed(piece)
    except Violation as violation:
        refused = reader.refused_head()
        assert not refused.target or target_fault(refused.target) is None
        return sink.told, violation.reason.code
    return sink.told, ""


def check_requests(data: bytes) -> None:
    assert _requests(_pieces(data)) == _requests([data[1:]])


def _response(pieces: list[bytes]) -> object:
    reader = ResponseReader(LIMIT_BYTES)
    try:
        for piece in pieces:
            reader.feed(piece)
            if reader.complete:
                break
        else:
            reader.end()
    except ExchangeFailed as failure:
        return type(failure)
    answer = reader.response
    assert len(answer.body) <= LIMIT_BYTES
    return answer.status, answer.headers, bytes(answer.body)


def check_responses(data: bytes) -> None:
    assert _response(_pieces(data)) == _response([data[1:]])


# JSON: what we accept, Python's own parser reads as the same value, and no key comes twice.


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), "a key twice"
    return dict(pairs)


def _same(ours: object, theirs: object) -> bool:
    """Integers beyond 64 bits are floats to us."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(ours, float):
        return math.isfinite(ours) and ours == float(theirs)  # type: ignore[arg-type]
    return type(ours) is type(theirs) and ours == theirs


def check_json(data: bytes) -> None:
    try:
        value = strict_json.loads(data)
    except strict_json.Malformed:
        return
    assert _same(value, json.loads(data.decode("utf-8"), object_pairs_hook=_no_key_twice))


# Whole requests and answers of each server kind. The first bytes choose endpoint, type and fields.

CREDIT = ModelFacts(
    "credit",
    read=ReadPlan(
        score=parse_reader("output:score"),
        label=parse_reader("output:label"),
        features={"income": parse_reader("input:income")},
        group=parse_group_source("input:group"),
        score_range=(0, 1),
    ),
)
FACTS = Facts("r", {"credit": CREDIT})
CONSENT = ConsentFact(ConsentStatus.VALID, groups=("a",))
TYPES = (b"application/json", b"", b"application/octet-stream", b"text/plain", b"application/x-www-form-urlencoded")
TYPES += (b"multipart/form-data; boundary=x", b"text/event-stream", b"application/json; charset=utf-8")
FIELDS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-encoding", b"gzip"),
    (b"content-encoding", b"deflate"),
    (b"inference-header-content-length", b"10"),
    (b"inference-header-content-length", b"%d" % len(BODY)),
    (b"x-data-version", b"fresh"),
    (b"x-explanation", b"required"),
)


def _headers(kind: int, mask: int) -> tuple[tuple[bytes, bytes], ...]:
    said = TYPES[kind % len(TYPES)]
    chosen = [field for at, field in enumerate(FIELDS) if mask >> at & 1]
    return (*([(b"content-type", said)] if said else []), *chosen)


def _paths(server: Server) -> list[tuple[str, str]]:
    routes = [route for route in server.table.routes if route.kind.name == "INFER"]
    without = [re.sub(r"\[.*?\]", "", route.path) for route in routes]
    named = [path.replace("{model}", "credit").replace("{version}", "1") for path in without]
    return [(route.methods[0], path) for route, path in zip(routes, named, strict=True)]


def _routed(server: Server, method: str, path: str) -> Endpoint | None:
    with contextlib.suppress(Refused):
        return server.route(method, path, "")
    return None


def bodies_of(kind: str) -> Callable[[bytes], None]:
    server = SERVERS[kind]
    endpoints = [(path, endpoint) for path in _paths(server) if (endpoint := _routed(server, *path)) is not None]

    def read(request: Request, endpoint: Endpoint) -> tuple[object, ...]:
        protocol = server.protocol(endpoint)
        try:
            readable = readable_request(request, server.codings.get(endpoint.protocol, ()), LIMIT_BYTES)
            call = protocol.read_request(endpoint, readable, FACTS, Limits(max_instances=64))
            attributes = extract(request, call, CREDIT, CONSENT, protocol)
            assert 1 <= call.instances <= 64
            problems(attributes)
        except Refused as refusal:
            return tuple(reason.code for reason in refusal.reasons)
        answer = Response(200, request.headers, request.body)
        with contextlib.suppress(Refused):
            prediction = protocol.read_prediction(call, readable_response(answer, LIMIT_BYTES), CREDIT)
            assert all(math.isfinite(score) for score in prediction.scores or ())
        return call.instances, sorted(call.parameters), call.stream, attributes

    def check(data: bytes) -> None:
        choice, body = data[:3].ljust(3, b"\0"), data[3:]
        (method, path), endpoint = endpoints[choice[0] % len(endpoints)]
        headers = _headers(choice[1], choice[2])
        said = read(Request(method, path, headers, body), endpoint)
        assert said == read(Request(method, path, headers, bytearray(body)), endpoint)

    return check


# Smaller readers.


def check_routes(data: bytes) -> None:
    """A path that passes is made of plain segments, so that no server can fold it into another."""
    method, _, rest = data.partition(b" ")
    path, _, query = rest.partition(b"?")
    try:
        words = method.decode("ascii"), path.decode("ascii"), query.decode("ascii")
    except UnicodeDecodeError:
        return
    for server in SERVERS.values():
        try:
            server.route(*words)
        except Refused:
            continue
        assert not {"%", "\\", ";", "\0", "\n"} & set(words[1])
        assert ".." not in words[1].split("/")
        assert "//" not in words[1]


def check_names(data: bytes) -> None:
    """Whoever reads names as CGI does finds nothing governed that we did not see."""
    names = [name.lower() for name in data.split(b"\n")]
    request = Request("POST", "/", tuple((name, b"x") for name in names))
    if not forbidden_headers(request):
        disguised = {name for name in names if b"_" in name}
        assert not {name.replace(b"_", b"-") for name in disguised} & {b"x-data-version", b"x-consent-token"}


def check_tokens(data: bytes) -> None:
    """The token's header, and its payload as if its signature were good."""
    with contextlib.suppress(_Rejected):
        _header(data)
    payload = data.split(b".")[1] if data.count(b".") == 2 else data
    for text in (
        payload,
        base64.urlsafe_b64decode(payload + b"==") if payload.isalnum() and len(payload) % 4 != 1 else b"",
    ):
        with contextlib.suppress(ValueError):
            parse_claims(parse_object(text))


def check_codings(data: bytes) -> None:
    for coding in (b"gzip", b"deflate"):
        with contextlib.suppress(strict_json.Malformed):
            assert len(decoded(data, coding, LIMIT_BYTES)) <= LIMIT_BYTES


def check_events(data: bytes) -> None:
    """What is read as events and written again is read as the same."""
    try:
        found = sse.events(data)
    except strict_json.Malformed:
        return
    single = [event for event in found if not {10, 13} & set(event)]
    assert sse.events(b"".join(map(sse.event, single))) == single


REQUEST = b"\x10POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiPOST /b HTTP/1.1\r\nHost: a\r\n"
CHUNKED = REQUEST + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nA: b\r\n\r\n"
ANSWER = b"\x10HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKS = b"\x10HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
TOKEN = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"ES256","typ":"JWT"}', b"{}", b"x"))
CLAIMS = b'{"iss":"i","aud":["a"],"sub":"s","exp":1e9,"scope":"a b","jti":"1","nbf":0}'

TARGETS = {
    target.name: target
    for target in (
        Target("requests", check_requests, (REQUEST + b"\r\n", CHUNKED)),
        Target("responses", check_responses, (ANSWER, CHUNKS)),
        Target("json", check_json, (BODY, PREDICTION, b'{"a\\u003a":":","\\u0061":1.5e3}')),
        *(Target(f"bodies-{kind}", bodies_of(kind), (b"\0\0\0" + BODY, b"\0\0\0" + PREDICTION)) for kind in SERVERS),
        Target("routes", check_routes, (b"POST /v2/models/credit/infer", b"GET /v1/models/m:predict?a=b")),
        Target("names", check_names, (b"x_data_version\nX-Data-Version",)),
        Target("tokens", check_tokens, (TOKEN, CLAIMS)),
        Target("codings", check_codings, (b"\x1f\x8b\x08\x00",)),
        Target("events", check_events, (b"data: {}\n\ndata: [DONE]\n\n",)),
    )
}
