"""Clients of one sidecar, many at once: each notes every answer that it received whole."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.crash.history import Answer
from tests.crash.upstream import Behaviour

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

CLIENTS = 24
PATH = "/v2/models/credit/infer"
LIMITED_A_LIFE = 60
"""Refusals that may be counted in a summary instead of being recorded, a life of a sidecar. What is only counted is
in memory for up to a second, so a kill takes it along; below 100 a second each has its own record, and must have it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of request, and what the client does."""

    behaviour: Behaviour = Behaviour.PREDICTS
    data_version: str = "fresh"
    body: bytes | None = None
    leaves: bool = False  # within a few milliseconds, without waiting for the answer


PREDICTION = Call()
REFUSED = Call(data_version="stale")
MALFORMED = Call(body=b"{")
MIX: Mapping[Call, int] = {
    PREDICTION: 60,
    REFUSED: 12,
    MALFORMED: 4,
    Call(Behaviour.OUTLIER): 8,
    Call(Behaviour.FAILS): 6,
    Call(Behaviour.DROPS): 4,
    Call(leaves=True): 6,
}


@dataclass
class Load:
    """What clients send to the sidecar at `address` (host:port), and the answers that they got."""

    address: str
    token: str
    random: random.Random
    mix: Mapping[Call, int]
    answers: list[Answer] = field(default_factory=list[Answer])
    limited_a_life: int = LIMITED_A_LIFE

    def __post_init__(self) -> None:
        self._limited = itertools.count()

    async def run(self, clients: int = CLIENTS) -> None:
        """Ends when nobody listens any more, or when it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(self._client())

    async def call(self, call: Call) -> Answer:
        """One request over a connection of its own; raises where the answer does not come whole."""
        reader, writer = await self._connect()
        try:
            return await self._answer(reader, writer, call)
        finally:
            writer.close()

    async def _client(self) -> None:
        while True:
            try:
                reader, writer = await self._connect()
            except OSError:
                return  # nobody listens
            try:
                while await self._exchange(reader, writer, self._next()):
                    pass
            except (asyncio.IncompleteReadError, ConnectionError):
                pass  # not an answer
            finally:
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self.address.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    def _next(self) -> Call:
        call = self.random.choices(list(self.mix), list(self.mix.values()))[0]
        is_limited = call.body is not None
        return PREDICTION if is_limited and next(self._limited) >= self.limited_a_life else call

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call) -> bool:
        """True: the connection serves for another one."""
        if call.leaves:
            writer.write(self._request(call))
            await asyncio.sleep(self.random.uniform(0, 0.005))
            return False
        await self._answer(reader, writer, call)
        return True

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call) -> Answer:
        writer.write(self._request(call))
        head, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        body = await reader.readexactly(int(headers["content-length"]))
        codes: tuple[str, ...] = ()
        if headers["content-type"] == "application/problem+json":
            codes = tuple(reason["code"] for reason in json.loads(body)["reasons"])
        answer = Answer(headers["x-decision-id"], int(head.split()[1]), time.time_ns(), codes)
        self.answers.append(answer)
        return answer

    def _request(self, call: Call) -> bytes:
        tensor = {"name": "income", "shape": [1], "datatype": "FP64", "data": [50.0]}
        body = json.dumps({"id": call.behaviour, "inputs": [tensor]}).encode() if call.body is None else call.body
        headers = {
            "Host": self.address,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Data-Version": call.data_version,
            "X-Consent-Scope": "credit_scoring",
            "X-Protected-Group": "a",
            "X-Consent-Token": self.token,
        }
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {PATH} HTTP/1.1\r\n{fields}\r\n".encode() + body
