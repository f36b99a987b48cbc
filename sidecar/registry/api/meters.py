"""What the registry counts: `/metrics`, for Prometheus. Names begin with `sidecar_registry_`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sidecar.registry.shelf.waiting import Shelf

OTHER = "other"
"""The route of what is none of ours."""
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})


class Meters:
    """All metrics of one process. Labels are bounded: routes, statuses, methods, the four bundles, kinds."""

    def __init__(self, shelf: Shelf) -> None:
        self._all = every = CollectorRegistry()
        name = "sidecar_registry_"
        self.requests = Counter(
            name + "requests", "Answers, by route and status.", ("method", "route", "status"), registry=every
        )
        self.in_progress = Gauge(
            name + "requests_in_progress", "Requests that are being answered, those that wait too.", registry=every
        )
        self.changes = Counter(name + "changes", "Requests that changed something, by kind.", ("kind",), registry=every)
        self.bundle_sequence = Gauge(
            name + "bundle_sequence", "Sequence of the bundle that is served.", ("bundle",), registry=every
        )
        self.bundle_bytes = Gauge(name + "bundle_bytes", "Its archive's size.", ("bundle",), registry=every)
        self.build_seconds = Gauge(
            name + "build_seconds", "How long the last build of the bundle took.", ("bundle",), registry=every
        )
        self.failures = Counter(
            name + "build_failures",
            "Builds that failed; the last good bundle is served meanwhile.",
            ("bundle",),
            registry=every,
        )
        waiters = Gauge(name + "waiters", "Engines that wait for a change of a bundle.", registry=every)
        waiters.set_function(lambda: shelf.waiters)

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page, and its media type, for an `Accept` header."""
        encode, media_type = choose_encoder(accept)
        return encode(self._all), media_type


class Counting:
    """ASGI: counts every answer, whoever gives it."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", OTHER)
                method = scope["method"] if scope["method"] in _METHODS else OTHER
                self._meters.requests.labels(method, route, str(message["status"])).inc()
            await send(message)

        with self._meters.in_progress.track_inprogress():
            await self._app(scope, receive, counted)
