"""The way to a `MemoryStore` in another process: frames on a Unix socket, one answer to each question in turn.

A frame is its length (32 bits, big endian) and JSON: a question `[method, arguments]`, an answer `{"reply": …}` or
`{"error": …}`. Both ends are of one version, and of one pod: the socket lies where nobody else reaches it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.fairness.shared_store import Beat, Change, Put, StoreFailed

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from sidecar.fairness.memory_store import MemoryStore

LENGTH = struct.Struct(">I")
FRAME_LIMIT_BYTES = 64 << 20
"""A sync says at most some thousand minutes in one frame, of a few hundred bytes each."""
TIMEOUT_S = 1.0

logger = logging.getLogger(__name__)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class SocketStore:
    """See SharedStore. One connection, made when it is needed; after a failure the next call makes another."""

    name = "workers"

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._streams: Streams | None = None

    async def beat(self, replica: str) -> Beat:
        """See SharedStore."""
        return Beat(*await self._call("beat", replica))

    async def fields(self, hashes: Sequence[str]) -> list[dict[str, bytes]]:
        """See SharedStore."""
        if not hashes:
            return []
        replies = await self._call("fields", hashes)
        return [{name: value.encode() for name, value in fields.items()} for fields in replies]

    async def changes(self, watches: Sequence[tuple[str, int]]) -> list[list[tuple[int, int]]]:
        """See SharedStore."""
        if not watches:
            return []
        replies = await self._call("changes", watches)
        return [[(minute, change) for minute, change in pairs] for pairs in replies]

    async def put(self, puts: Sequence[Put]) -> list[int]:
        """See SharedStore."""
        if not puts:
            return []
        said = [
            (put.watch, [(minute, name, cells.decode()) for minute, name, cells in put.cells], put.only_new)
            for put in puts
        ]
        return await self._call("put", said)

    async def replace(self, changes: Sequence[Change]) -> list[bytes | None]:
        """See SharedStore."""
        if not changes:
            return []
        said = [(one.hash, one.field, one.expected and one.expected.decode(), one.value.decode()) for one in changes]
        return [None if held is None else held.encode() for held in await self._call("replace", said)]

    async def close(self) -> None:
        """See SharedStore."""
        self._drop()

    async def _call(self, method: str, argument: object) -> Any:
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._ask([method, argument])
            except BaseException as error:  # also when cancelled: a late answer must not be taken for the next one's
                self._drop()
                if isinstance(error, OSError | EOFError | ValueError):
                    raise StoreFailed(f"{type(error).__name__}: {error}") from error
                raise
        if "error" in answer:
            raise StoreFailed(str(answer["error"]))
        return answer["reply"]

    async def _ask(self, question: list[object]) -> dict[str, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(str(self._path))
        reader, writer = self._streams
        await _write(writer, question)
        return cast("dict[str, Any]", await _read(reader))

    def _drop(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()


@contextlib.asynccontextmanager
async def served(store: MemoryStore, listener: socket.socket) -> AsyncGenerator[None]:
    """Answers for the store at `listener` while it is entered."""
    writers: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            await _serve(store, reader, writer)
        finally:
            writers.discard(writer)
            writer.close()

    server = await asyncio.start_unix_server(connected, sock=listener)
    try:
        yield
    finally:
        server.close()
        for writer in tuple(writers):
            writer.close()


async def _serve(store: MemoryStore, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, EOFError):  # a worker that is gone
        while True:
            question = cast("list[Any]", await _read(reader))
            try:
                answer: dict[str, object] = {"reply": _answer(store, *question)}
            except (TypeError, ValueError, KeyError) as error:
                logger.exception("a worker asked the window store something that it does not understand")
                answer = {"error": repr(error)}
            await _write(writer, answer)


def _answer(store: MemoryStore, method: str, argument: Any) -> object:
    match method:
        case "beat":
            return astuple(store.beat(argument))
        case "fields":
            found = store.fields(argument)
            return [{name: value.decode() for name, value in fields.items()} for fields in found]
        case "changes":
            return store.changes(argument)
        case "put":
            return store.put([Put(watch, _cells(cells), only_new) for watch, cells, only_new in argument])
        case "replace":
            held = store.replace([Change(name, field, _bytes(old), new.encode()) for name, field, old, new in argument])
            return [None if value is None else value.decode() for value in held]
        case _:
            raise ValueError(f"no method {method!r}")


def _cells(cells: list[tuple[int, str, str]]) -> list[tuple[int, str, bytes]]:
    return [(minute, replica, value.encode()) for minute, replica, value in cells]


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


async def _write(writer: asyncio.StreamWriter, content: object) -> None:
    frame = orjson.dumps(content)
    writer.write(LENGTH.pack(len(frame)) + frame)
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> object:
    """Raises EOFError at the end, ValueError for what is no frame."""
    (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    if size > FRAME_LIMIT_BYTES:
        raise ValueError(f"a frame of {size} bytes")
    return orjson.loads(await reader.readexactly(size))
