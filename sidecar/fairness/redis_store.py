"""What replicas share, in Redis: scripts that are atomic, and pipelines of them, so that a sync is a few round trips.

Each replica's counts of a minute are a field of that minute's hash, absolute: to say them twice is to say them once.
Tests and holds are values that are replaced whole, if nobody else was faster. Every key expires. All keys have one hash
tag, so that they share a slot of a cluster, and a prefix for ACLs (`~sidecar:{fairness}:*`).
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sidecar.fairness.shared_store import ALIVE_S, Beat, StoreFailed, kept_s, minute_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sidecar.fairness.shared_store import Change, Put

PREFIX = "sidecar:{fairness}:1:"
"""The number changes with the format of what is stored."""

# KEYS: generation, replicas. ARGV: a new generation, replica, seconds alive, seconds to keep.
# A Redis that starts again from a snapshot has the key, and lacks what came after: its run id tells. An ACL without
# INFO hides that one case.
BEAT = """
local time = redis.call('TIME')
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
redis.call('SET', KEYS[1], ARGV[1], 'NX')
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], time[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', time[1] - ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return {time[1], time[2], redis.call('GET', KEYS[1]) .. run, redis.call('ZCARD', KEYS[2])}
"""

# KEYS: last change, changes by minute, a hash for each minute. ARGV: HSET or HSETNX, span in seconds, seconds to keep,
# then minute, replica, cells of each. Changes are numbered by the time, so that numbers rise even after a loss.
PUT = """
local time = redis.call('TIME')
local change = math.max(time[1] * 1000000 + time[2], (tonumber(redis.call('GET', KEYS[1])) or 0) + 1)
change = string.format('%.0f', change)
redis.call('SET', KEYS[1], change, 'EX', ARGV[3])
for i = 3, #KEYS do
  local at = 4 + (i - 3) * 3
  redis.call(ARGV[1], KEYS[i], ARGV[at + 1], ARGV[at + 2])
  redis.call('EXPIRE', KEYS[i], ARGV[3])
  redis.call('ZADD', KEYS[2], change, ARGV[at])
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
local first = math.floor((time[1] - ARGV[2]) / 60)
local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)
while oldest[1] and tonumber(oldest[1]) < first do
  redis.call('ZREM', KEYS[2], oldest[1])
  oldest = redis.call('ZRANGE', KEYS[2], 0, 0)
end
return change
"""

# KEYS: a hash. ARGV: field, what it should hold ('' for nothing), what it is to hold, seconds to keep the hash.
# Gives what it holds, where that is neither.
REPLACE = """
local held = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if held ~= ARGV[2] then return held end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return false
"""


class RedisStore:
    """`SharedStore` by `redis://` or `rediss://` (TLS, with the server's certificate and name checked).

    `span_s` and `epoch_s` say how long keys are of use.
    """

    name = "redis"

    def __init__(self, url: str, span_s: int, epoch_s: int, timeout_s: float = 1.0) -> None:
        self._span_s = span_s
        self._keep_s = kept_s(span_s, epoch_s)
        self._timeout_s = timeout_s
        # One try: the next sync is the retry.
        self._redis: Redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # **kwargs untyped in redis-py
            url,
            retry=Retry(NoBackoff(), 0),
            max_connections=2,
            client_name="model-policy-sidecar",
        )

    async def beat(self, replica: str) -> Beat:
        """See SharedStore."""
        keys = [PREFIX + "generation", PREFIX + "replicas"]
        arguments = [secrets.token_hex(8), replica, ALIVE_S, self._keep_s]
        [reply] = await self._run([(BEAT, keys, arguments)])
        seconds, micros, generation, replicas = reply
        return Beat(int(seconds) + int(micros) / 1e6, generation.decode(), int(replicas))

    async def fields(self, hashes: Sequence[str]) -> list[dict[str, bytes]]:
        """See SharedStore."""
        replies = await self._call([("HGETALL", PREFIX + name) for name in hashes])
        return [{name.decode(): value for name, value in _pairs(reply)} for reply in replies]

    async def changes(self, watches: Sequence[tuple[str, int]]) -> list[list[tuple[int, int]]]:
        """See SharedStore."""
        replies = await self._call(
            [
                ("ZRANGEBYSCORE", f"{PREFIX}changes:{watch}", f"({after}", "+inf", "WITHSCORES")
                for watch, after in watches
            ]
        )
        return [[(int(minute), int(float(change))) for minute, change in _pairs(reply)] for reply in replies]

    async def put(self, puts: Sequence[Put]) -> list[int]:
        """See SharedStore."""
        return [int(reply) for reply in await self._run([self._put(each) for each in puts])]

    def _put(self, put: Put) -> tuple[str, list[str], list[Any]]:
        keys = [f"{PREFIX}changed:{put.watch}", f"{PREFIX}changes:{put.watch}"]
        keys += [PREFIX + minute_hash(put.watch, minute) for minute, _, _ in put.cells]
        arguments: list[Any] = ["HSETNX" if put.only_new else "HSET", self._span_s, self._keep_s]
        for minute, replica, cells in put.cells:
            arguments += [minute, replica, cells]
        return PUT, keys, arguments

    async def replace(self, changes: Sequence[Change]) -> list[bytes | None]:
        """See SharedStore."""
        return await self._run(
            [
                (REPLACE, [PREFIX + each.hash], [each.field, each.expected or b"", each.value, self._keep_s])
                for each in changes
            ]
        )

    async def close(self) -> None:
        """Ends the connections."""
        await self._redis.aclose()

    async def _run(self, scripts: Iterable[tuple[str, list[str], list[Any]]]) -> list[Any]:
        return await self._call([("EVAL", script, len(keys), *keys, *args) for script, keys, args in scripts])

    async def _call(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        if not commands:
            return []
        try:
            async with asyncio.timeout(self._timeout_s), self._redis.pipeline(transaction=False) as pipe:
                untyped = cast("Any", pipe)
                for command in commands:
                    untyped.execute_command(*command)
                return await untyped.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreFailed(f"{type(error).__name__}: {error}") from error


def _pairs(reply: Any) -> Iterable[tuple[Any, Any]]:
    """RESP2 has flat lists of names and values, RESP3 maps, and lists of pairs where there are scores."""
    if isinstance(reply, dict):
        return cast("dict[Any, Any]", reply).items()
    if reply and isinstance(reply[0], list | tuple):
        return [(pair[0], pair[1]) for pair in reply]
    return zip(reply[::2], reply[1::2], strict=True)
