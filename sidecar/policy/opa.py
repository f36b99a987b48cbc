"""A client of an OPA daemon: three queries, its status and health, and what each way of failing is called.

OPA's error texts can contain input values: they go to our log, cut short, and never to a client.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import orjson

from sidecar.http1.errors import Crowded, ExchangeFailed, Malformed, Timeout, TooLarge
from sidecar.http1.pool import Pool
from sidecar.model.refusal import Refused, refused
from sidecar.policy.batch import Batcher, BatchFailed
from sidecar.policy.logs import QuietLog
from sidecar.policy.port import UNDEFINED, Answer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from sidecar.http1.target import Target
    from sidecar.model.clock import Clock
    from sidecar.model.message import Response

DECISION = b"/v1/data/sidecar/decision?provenance=true"
DECISIONS = b"/v1/data/sidecar/decisions?provenance=true"
FACTS = b"/v1/data/sidecar/facts?provenance=true"
STATUS = b"/v1/status"
HEALTH = b"/health?bundles"

CONNECTION_LIMIT = 16
ANSWER_LIMIT_BYTES = 16 * 1024 * 1024
"""The facts of ten thousand models have room in it."""
FACTS_TIMEOUT_S = 5.0
"""Facts and status are not on the request path, and may be large."""

_HEADERS = ((b"content-type", b"application/json"),)
_REVISION = re.compile(r"[!-~]{1,256}")
"""It goes into a header field: visible ASCII."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What is active: the revisions of all bundles, joined, and the bundles' names."""

    text: str
    bundles: frozenset[str]


class OpaClient:
    """Speaks to one daemon. Everything raises `Refused`; `ask_many` raises `BatchFailed` too."""

    def __init__(self, target: Target, clock: Clock, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._pool = Pool(
            target,
            max_connections=CONNECTION_LIMIT,
            response_limit_bytes=ANSWER_LIMIT_BYTES,
            ssl_context=ssl_context,
        )
        self._log = QuietLog(clock)
        self._bundles: dict[str, object] = {}
        self._revision = ""

    async def ask_one(self, input_json: bytes, timeout_s: float) -> Answer:
        """`data.sidecar.decision` for one input."""
        document = await self._query(DECISION, b'{"input":%s}' % input_json, timeout_s)
        return Answer(document.get("result", UNDEFINED), self._revision_of(document))

    async def ask_many(self, inputs_json: Sequence[bytes], timeout_s: float) -> Sequence[Answer]:
        """`data.sidecar.decisions`, by index: one that is missing is undefined for that question alone."""
        body = b'{"input":{"items":[%s]}}' % b",".join(inputs_json)
        try:
            document = await self._query(DECISIONS, body, timeout_s)
        except Refused as refusal:
            if refusal.reasons[0].code == "policy_malformed":
                raise BatchFailed from None
            raise
        result = document.get("result")
        if not isinstance(result, dict):
            raise BatchFailed
        decisions = cast("dict[str, object]", result)
        revision = self._revision_of(document)
        return [Answer(decisions.get(str(index), UNDEFINED), revision) for index in range(len(inputs_json))]

    async def facts(self) -> Answer:
        """`data.sidecar.facts`, which reads no input."""
        document = await self._query(FACTS, b'{"input":{}}', FACTS_TIMEOUT_S)
        return Answer(document.get("result", UNDEFINED), self._revision_of(document))

    async def revision(self) -> Revision:
        """The revision alone, by way of no decisions at all, which costs the engine next to nothing."""
        document = await self._query(DECISIONS, b'{"input":{"items":[]}}', FACTS_TIMEOUT_S)
        return Revision(self._revision_of(document), frozenset(_bundles(document)))

    async def require_bundles(self) -> None:
        """Raises `Refused` unless all bundles that OPA's file names are active."""
        response = await self._send(b"GET", HEALTH, b"", FACTS_TIMEOUT_S)
        if response.status != 200:
            raise refused("policy_unavailable", "the policy engine has not activated all its bundles yet")

    async def status(self) -> object:
        """What the status plugin says; `UNDEFINED` where it is not enabled."""
        response = await self._send(b"GET", STATUS, b"", FACTS_TIMEOUT_S)
        if response.status == 500:  # "status plugin not enabled"
            return UNDEFINED
        return self._document(response).get("result", UNDEFINED)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._pool.aclose()

    async def _query(self, path: bytes, body: bytes, timeout_s: float) -> dict[str, object]:
        return self._document(await self._send(b"POST", path, body, timeout_s))

    async def _send(self, method: bytes, path: bytes, body: bytes, timeout_s: float) -> Response:
        try:
            return await self._pool.send(method, path, _HEADERS, body, timeout_s=timeout_s)
        except (Timeout, Crowded):
            raise refused("policy_timeout", "the policy engine did not answer in time") from None
        except (Malformed, TooLarge) as failure:
            self._log.failure("OPA's answer is not acceptable", str(failure))
            raise refused("policy_malformed", "the policy engine's answer is not acceptable HTTP") from None
        except ExchangeFailed:
            raise refused("policy_unavailable", "the policy engine cannot be reached") from None

    def _document(self, response: Response) -> dict[str, object]:
        if response.status != 200:
            raise self._error(response)
        try:
            document = orjson.loads(response.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise refused("policy_malformed", "the policy engine's answer is not a JSON object")
        return cast("dict[str, object]", document)

    def _error(self, response: Response) -> Refused:
        """400 and 500 are about the query or its evaluation; whatever else is about us and the daemon."""
        self._log.failure(f"OPA answered {response.status}", response.body[:1000].decode(errors="replace"))
        if response.status in (400, 500):
            return refused("policy_malformed", "the policy's evaluation failed")
        return refused("policy_unavailable", f"the policy engine answered with status {response.status}")

    def _revision_of(self, document: dict[str, object]) -> str:
        """The revisions of all bundles, in the order of the bundles' names.

        Without a bundle, or with one that has no revision, nobody could tell which policy decided.
        """
        bundles = _bundles(document)
        if not bundles or bundles != self._bundles:
            self._revision = _join(bundles)
            self._bundles = bundles
        return self._revision


def _bundles(document: dict[str, object]) -> dict[str, object]:
    bundles = _field(document.get("provenance"), "bundles")
    return cast("dict[str, object]", bundles) if isinstance(bundles, dict) else {}


def _join(bundles: dict[str, object]) -> str:
    if not bundles:  # none is active yet: OPA answers before it has them
        raise refused("policy_unavailable", "the policy engine has no bundle")
    revisions = [str(_field(bundles[name], "revision") or "") for name in sorted(bundles)]
    if not all(_REVISION.fullmatch(revision) for revision in revisions):
        raise refused("policy_malformed", "the policy engine has a bundle without a revision")
    return "+".join(revisions)


def _field(value: object, name: str) -> object:
    return cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None


class OpaEngine:
    """An OPA daemon as an engine: its questions batched, each with its own deadline."""

    kind = "opa"

    def __init__(self, client: OpaClient, *, timeout_s: float) -> None:
        self._client = client
        self._batcher = Batcher(client, timeout_s=timeout_s)

    async def decide(self, input_json: bytes) -> Answer:
        """`data.sidecar.decision`, perhaps together with others' questions."""
        return await self._batcher.ask(input_json)

    async def facts(self) -> Answer:
        """`data.sidecar.facts`."""
        return await self._client.facts()

    async def aclose(self) -> None:
        """Waits for the answers under way, which their deadlines bound, then closes the connections."""
        await self._batcher.drain()
        await self._client.aclose()
