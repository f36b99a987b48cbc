"""The stacks that are compared, by name: how each is started, and what programs it needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.comparison import envoy, obvious, ours, skipper
from bench.comparison.running import Place, Running
from bench.processes import BenchError, free_port

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Stack:
    """`start` yields a Running; `needs` names programs."""

    title: str
    start: Callable[[Place], AbstractContextManager[Running]]
    needs: tuple[str, ...] = ()
    phases: str = "request"


ENVOY = ("envoy", "opa-envoy-plugin")
STACKS: Mapping[str, Stack] = {
    "embedded": Stack("ours, embedded, 1 worker", partial(ours.judging, engine="embedded"), phases="both"),
    "embedded-2": Stack(
        "ours, embedded, 2 workers", partial(ours.judging, engine="embedded", workers=2), phases="both"
    ),
    "opa": Stack("ours, OPA daemon", partial(ours.judging, engine="opa"), ("opa",), "both"),
    "opa-request": Stack(
        "ours, OPA daemon, response rules off", partial(ours.judging, engine="opa", phases="request"), ("opa",)
    ),
    "envoy-rego": Stack("Envoy + opa-envoy-plugin, token in Rego", partial(envoy.judging, token_in="rego"), ENVOY),
    "envoy-jwt": Stack("Envoy + opa-envoy-plugin, token in jwt_authn", partial(envoy.judging, token_in="envoy"), ENVOY),
    "skipper": Stack("Skipper with OPA", skipper.judging, ("skipper",)),
    "envoy": Stack("Envoy, pass-through", envoy.passing, ("envoy",), "none"),
    "obvious": Stack("Starlette + httpx + OPA", obvious.judging, ("opa",)),
}
OURS = ("embedded", "embedded-2", "opa", "opa-request")
PEERS = {"Envoy + opa-envoy-plugin": ("envoy-rego", "envoy-jwt"), "Skipper": ("skipper",)}
"""What the goals speak of; of several ways to set a peer up, the one that is faster counts."""


def started(stack: contextlib.ExitStack, name: str, where: Place) -> Running | str:
    """Starts one, to be stopped with `stack`; where it cannot be, says why."""
    lacking = [program for program in STACKS[name].needs if program not in where.programs]
    if lacking:
        return f"no {' and no '.join(lacking)} here: scripts/install-bench-peers says how to have it"
    try:
        return stack.enter_context(STACKS[name].start(where))
    except BenchError as error:
        return str(error)


def place(folder: Path, name: str, upstream: str, tokens: Tokens, programs: Mapping[str, str]) -> Place:
    """A folder and a port of its own."""
    own = folder / name
    own.mkdir()
    return Place(own, upstream, free_port(), tokens, programs)
