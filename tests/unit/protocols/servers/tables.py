"""What a request line means to a kind of server, in a word or three; and rows that every server of V2 has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.model.facts import Facts
from sidecar.model.message import Request
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Limits
from sidecar.protocols.servers import server

if TYPE_CHECKING:
    from sidecar.model.message import Headers

Row = tuple[str, str, str]


def meaning(kind: str, method: str, path: str) -> str:
    served = server(kind)
    try:
        endpoint = served.route(method, path, "")
    except Refused as refusal:
        return refusal.reasons[0].code
    assert served.protocol(endpoint).name == endpoint.protocol
    return f"{endpoint.protocol} {endpoint.kind.value} {endpoint.operation}"


def meanings(kind: str, rows: list[Row]) -> list[Row]:
    return [(method, path, meaning(kind, method, path)) for method, path, _ in rows]


V2_EVERYWHERE: list[Row] = [
    ("POST", "/v2/models/m/infer", "v2 infer infer"),
    ("POST", "/v2/models/m/versions/1/infer", "v2 infer infer"),
    ("GET", "/v2/models/m/infer", "method_not_allowed"),
    ("PUT", "/v2/models/m/infer", "method_not_allowed"),
    ("GET", "/v2/health/live", "v2 probe live"),
    ("GET", "/v2/health/ready", "v2 probe ready"),
    ("GET", "/v2/models/m/ready", "v2 probe model_ready"),
    ("GET", "/v2/models/m/versions/1/ready", "v2 probe model_ready"),
    ("POST", "/v2/health/live", "method_not_allowed"),
    ("GET", "/v2", "v2 metadata server_metadata"),
    ("GET", "/v2/models/m", "v2 metadata model_metadata"),
    ("GET", "/v2/models/m/versions/1", "v2 metadata model_metadata"),
    ("POST", "/v2/repository/index", "v2 management repository"),
    ("POST", "/v2/repository/models/m/load", "v2 management repository"),
    ("POST", "/v2/repository/models/m/unload", "v2 management repository"),
    ("GET", "/v2/repository/models/m/unload", "v2 management repository"),
    ("POST", "/v2/models/m/explain", "endpoint_unknown"),
    ("POST", "/v2/models/m/infer/", "endpoint_unknown"),
    ("POST", "/v2/models/m//infer", "http_malformed"),
    ("POST", "/v2/models/%6d/infer", "http_malformed"),
    ("POST", "/v2/models/m/../m/infer", "http_malformed"),
    ("POST", "/predictions/m", "endpoint_unknown"),
    ("POST", "/v1/chat/completions", "endpoint_unknown"),
]


def reason(kind: str, media_type: bytes | None, *, headed: bool) -> str | None:
    """Why a server is not given a body of JSON alone under a media type, with the length of its head or without."""
    served = server(kind)
    endpoint = served.route("POST", "/v2/models/m/infer", "")
    body = b'{"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]}]}'
    fields: Headers = () if media_type is None else ((b"content-type", media_type),)
    if headed:
        fields = (*fields, (b"inference-header-content-length", str(len(body)).encode()))
    try:
        served.protocol(endpoint).read_request(endpoint, Request("POST", "/", fields, body), Facts("r", {}), Limits())
    except Refused as refusal:
        return refusal.reasons[0].code
    return None


MEDIA_TYPES = (b"application/json", None, b"application/octet-stream", b"text/plain")


def taken(kind: str) -> dict[str, list[bytes | None]]:
    """Of `MEDIA_TYPES`, those that a server is given; the others are refused for what they are."""
    found: dict[str, list[bytes | None]] = {"json": [], "binary": []}
    for word, accepted in found.items():
        reasons = {media_type: reason(kind, media_type, headed=word == "binary") for media_type in MEDIA_TYPES}
        accepted += [media_type for media_type, why in reasons.items() if why is None]
        assert set(reasons.values()) <= {None, "media_type_unsupported"}
    return found
