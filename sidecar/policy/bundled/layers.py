"""Engines made layer by layer: the modules, then the data of one bundle after another, the bulkiest first.

Each layer is a copy of the one below, which costs microseconds and shares what lies in it, with more data merged in. So
a change of a small bundle takes none of the time of a large one, and the old engine decides while the new one grows.
With our own binding it grows in other threads. An engine of the fork's belongs to the event loop's thread: there it
grows a slice at a time, and what stays in one piece is regorus' compilation, some 7 ms.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.policy.binding import Regorus, installed
from sidecar.policy.embedded import compile_with, first_line, uncompilable
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Layer:
    """Data to be merged in. `digest` tells it from any other content."""

    digest: str
    data: Sequence[str]


class Layers:
    """The layers of the engine made last."""

    def __init__(self) -> None:
        self._made: list[tuple[str, Regorus]] = []
        self._former: list[tuple[str, Regorus]] = []

    async def engine(self, modules: Mapping[str, str], layers: Sequence[Layer], top: str) -> Regorus:
        """A compiled engine with these modules and data, and with `top` (a JSON object) over all of it.

        Raises `PolicyProblems`; the layers made before are then kept.
        """
        wanted = [_digest_of(modules), *(layer.digest for layer in layers)]
        made = self._shared(wanted)
        if not made:
            made.append((wanted[0], await _with_modules(modules)))
        missing = layers[len(made) - 1 :]
        await _taken(_grown(made, missing))
        regorus = made[-1][1].clone()
        await _taken(_compiled(regorus, top))
        self._former, self._made = self._made, made
        return regorus

    async def let_go(self) -> None:
        """Drops the layers made before, once no engine stands on them: of a million values that takes a while."""
        former, self._former = self._former, []
        await _taken(_dropped(former))

    def _shared(self, wanted: Sequence[str]) -> list[tuple[str, Regorus]]:
        """The layers that can stay, from the lowest up."""
        count = 0
        for (digest, _), other in zip(self._made, wanted, strict=False):
            if digest != other:
                break
            count += 1
        return self._made[:count]


async def _with_modules(modules: Mapping[str, str]) -> Regorus:
    """An engine without data; raises `PolicyProblems` for what OPA's compiler would refuse too."""
    regorus = Regorus()
    await _taken(_parsed(regorus, modules))
    # regorus knows no capabilities and follows recursion until the process dies: its syntax trees are searched for
    # both, by engines of another thread.
    problems = await asyncio.to_thread(uncompilable, modules)
    if problems:
        raise PolicyProblems(problems)
    return regorus


async def _taken(steps: Iterator[None]) -> None:
    """Takes all steps: in one thread where engines are free to go there, else here, with others' turn between two.

    In one, for memory that several threads have used is less readily used again: 8 MiB after two policies.
    """
    kind = installed()
    if kind is not None and kind.native:
        await asyncio.to_thread(deque, steps, 0)
        return
    for _ in steps:
        await asyncio.sleep(0)


def _parsed(regorus: Regorus, modules: Mapping[str, str]) -> Iterator[None]:
    problems: list[str] = []
    for path, text in sorted(modules.items()):
        try:
            regorus.engine.add_policy(path, text)
        except Exception as error:
            problems.append(first_line(error))
        yield
    if problems:
        raise PolicyProblems(problems)


def _grown(made: list[tuple[str, Regorus]], layers: Sequence[Layer]) -> Iterator[None]:
    for layer in layers:
        regorus = made[-1][1].clone()
        for slice_ in layer.data:
            try:
                regorus.engine.add_data_json(slice_)
            except Exception as error:
                raise PolicyProblems([first_line(error)]) from None
            yield
        made.append((layer.digest, regorus))


def _compiled(regorus: Regorus, top: str) -> Iterator[None]:
    compile_with(regorus, top)
    yield


def _dropped(made: list[tuple[str, Regorus]]) -> Iterator[None]:
    made.clear()
    yield


def _digest_of(modules: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for text in (part for item in sorted(modules.items()) for part in item):
        digest.update(len(encoded := text.encode()).to_bytes(8))
        digest.update(encoded)
    return digest.hexdigest()
