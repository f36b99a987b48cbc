"""Which endpoint a request means: exact tables of path and method, all else refused.

A row's `path` is written as `/v2/models/{model}[/versions/{version}]/infer`: `[…]` may be absent, `{rest}` is
whatever follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused, refused

if TYPE_CHECKING:
    from collections.abc import Iterable

# The path is matched as the bytes that are forwarded, and what servers read in different ways is refused:
# MLServer, KServe and TorchServe decode `%69` and infer, Triton does not; `//`, dot segments, `;` and
# backslashes are folded by some. Each has been a way around a gate: Envoy CVE-2019-9901 and CVE-2021-29492,
# Kong CVE-2021-27306, Traefik CVE-2025-66490, opa-envoy-plugin CVE-2026-26205.
# So: RFC 3986's pchar without percent-encoding and without `;`; no empty segment but the last;
# no segment that ends in a dot (`.` and `..` do, and some file systems drop it).
_PLAIN_PATH = re.compile(r"/|(?:/[A-Za-z0-9._~!$&'()*+,=:@-]*[A-Za-z0-9_~!$&'()*+,=:@-])+/?")
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")

_TEMPLATE = re.compile(r"(\{\w+\}|\[|\])")
_NAME = r"[A-Za-z0-9_][A-Za-z0-9._~-]{0,127}"
_MODEL_NAME = re.compile(_NAME)
_PARTS = {
    "{model}": f"(?P<model>{_NAME})",
    "{version}": f"(?P<version>{_NAME})",
    "{rest}": ".*[^/]",
    "[": "(?:",
    "]": ")?",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One row of a server's table. No `methods` means any: for what is refused whatever the method.

    `query_model` is the one query parameter that an inference endpoint takes: the model's name.
    """

    kind: EndpointKind
    protocol: str
    operation: str
    methods: tuple[str, ...]
    path: str
    query_model: str | None = None


def _pattern(path: str) -> re.Pattern[str]:
    parts = _TEMPLATE.split(path)
    return re.compile("".join(_PARTS.get(part) or re.escape(part) for part in parts))


def check_path(path: str) -> None:
    """Refuses a path that two servers could read in two ways."""
    if _PLAIN_PATH.fullmatch(path) is None:
        raise refused(
            "http_malformed",
            "the path holds percent-encoding, an empty or dot segment, ';', or a character no path may hold",
        )


class RouteTable:
    """The endpoints of one kind of model server, the first match first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._rows = tuple((_pattern(route.path), route) for route in self.routes)
        self._explaining = {
            route.protocol: route.path
            for route in self.routes
            if route.kind is EndpointKind.INFER and route.operation == "explain"
        }
        self._known = lru_cache(maxsize=256)(self._find)  # clients ask for the same endpoints all the time

    def find(self, method: str, path: str, query: str) -> Endpoint:
        """The endpoint that a request line means.

        Refuses with `http_malformed`, `endpoint_unknown`, or `method_not_allowed` (methods in `allow`).
        """
        return self._known(method, path, query)

    def _find(self, method: str, path: str, query: str) -> Endpoint:
        check_path(path)
        allow: list[str] = []
        for pattern, route in self._rows:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            if not route.methods or method in route.methods:
                names = match.groupdict()
                model = _queried_model(route, query) or names.get("model")
                return Endpoint(route.kind, route.protocol, route.operation, model, names.get("version"))
            allow.extend(route.methods)
        if not allow:
            raise refused("endpoint_unknown", "no such endpoint; paths are matched exactly, to the last slash")
        reason = Reason("method_not_allowed", "the endpoint does not take this method")
        raise Refused(reason, allow=tuple(dict.fromkeys(allow)))

    def explain_path(self, endpoint: Endpoint) -> str | None:
        """Where the same protocol explains what `endpoint` infers; None where it does not, or not for one version."""
        template = self._explaining.get(endpoint.protocol)
        if template is None or endpoint.operation != "infer" or endpoint.model is None:
            return None
        if _MODEL_NAME.fullmatch(endpoint.model) is None:  # the operator's default model
            return None
        path, optional, _ = template.partition("[")
        if endpoint.version is not None:
            if not optional:
                return None
            path = template.replace("[", "").replace("]", "")
        return path.replace("{model}", endpoint.model).replace("{version}", endpoint.version or "")


def _queried_model(route: Route, query: str) -> str | None:
    """The model that the query names, where the route lets it; refuses every other query that could be an input."""
    if not query or route.kind is EndpointKind.MANAGEMENT:
        return None
    # TorchServe hands query parameters to the handler beside the body: inputs that nobody judged.
    if route.kind is EndpointKind.INFER:
        name, _, model = query.partition("=")
        if route.query_model is None:
            raise refused("http_malformed", "an inference endpoint takes no query string")
        if name != route.query_model or _MODEL_NAME.fullmatch(model) is None:
            raise refused("http_malformed", f"the endpoint takes no query string but {route.query_model}=MODEL")
        return model
    if _PLAIN_QUERY.fullmatch(query) is None:
        raise refused("http_malformed", "the query string holds a character that none may hold")
    return None
