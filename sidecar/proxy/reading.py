"""Reading messages: pure work over bytes, in threads of its own where there are many of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from sidecar.protocols.attributes import extract
from sidecar.protocols.coding import readable_request, readable_response
from sidecar.protocols.reading import without_body

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sidecar.model.attributes import Attributes
    from sidecar.model.consent import ConsentFact
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Call, Limits, ServingProtocol

OFF_LOOP_BYTES = 256 * 1024
"""A body of more is read in a thread. Decoding and hashing leave the loop free; orjson keeps the interpreter's lock for
some 6 ms a MiB, so between its steps only. `--body-limit` bounds the longest."""
THREADS = 2
"""Bodies read at once: each takes up to 12 times its size meanwhile."""

T = TypeVar("T")


class Findings(NamedTuple):
    """What one request says. The call no longer holds the body."""

    call: Call
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class MessageReader:
    """Reads requests and answers. `codings`: by protocol, those that the model server decodes itself."""

    limits: Limits
    codings: Mapping[str, Collection[bytes]]
    threads: ThreadPoolExecutor

    async def request(
        self, protocol: ServingProtocol, endpoint: Endpoint, request: Request, facts: Facts, consent: ConsentFact
    ) -> Findings:
        """Raises `Refused` as `ServingProtocol.read_request` does."""

        def work() -> Findings:
            codings = self.codings.get(protocol.name, ())
            readable = readable_request(request, codings, self.limits.decoded_bytes) if is_coded else request
            call = protocol.read_request(endpoint, readable, facts, self.limits)
            known = facts.of(call.endpoint.model)
            attributes = extract(request, call, known, consent, protocol)
            return Findings(without_body(call, known, protocol), attributes)

        is_coded = _is_coded(request)
        return await self._in_thread(work) if is_coded or _is_long(request) else work()

    async def prediction(
        self, protocol: ServingProtocol, call: Call, answer: Response, facts: ModelFacts
    ) -> Prediction:
        """Raises `Refused` as `ServingProtocol.read_prediction` does."""

        def work() -> Prediction:
            reads_coded = is_coded and facts.read.reads_answer
            readable = readable_response(answer, self.limits.decoded_bytes) if reads_coded else answer
            return protocol.read_prediction(call, readable, facts)

        is_coded = _is_coded(answer)
        return await self._in_thread(work) if is_coded or _is_long(answer) else work()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)


def _is_coded(message: Request | Response) -> bool:
    """A coded body may hold a thousand times its length: it is read in a thread, too."""
    return bool(message.header_values(b"content-encoding"))


def _is_long(message: Request | Response) -> bool:
    return len(message.body) > OFF_LOOP_BYTES


def new_threads() -> ThreadPoolExecutor:
    """The threads of a `MessageReader`; whoever makes them shuts them down."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="reading")
