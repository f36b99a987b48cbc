"""The Python bindings of regorus: which one is here, what is used of it, and where its engines end.

`sidecar_regorus` is our own (`native/`), `regorus` the wheel of a fork; docs/engines.md tells them apart. The second's
engine may be used, and dropped, by the thread that made it alone: dropped in another it is never freed, and says so.
But an engine may be held by what outlives its user, an exception's traceback among others, until the garbage
collector runs in whatever thread. So each is held by a `Regorus`, which sends it home.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Callable

    Decide = Callable[[str, bytes], bytes | str | None]
    """A rule and an input → the rule's value as JSON, None where it has none; raises what the binding raises."""

REMEDY = "pip install 'model-policy-sidecar[embedded]', or scripts/install-native"

UNDEFINED_TEXT = '"<undefined>"'
"""How `eval_rule_as_json` says that a rule has no value."""


class Binding(Protocol):
    """What is used of the binding's `Engine`."""

    def add_policy(self, path: str, rego: str) -> str:
        """Parses a module."""
        ...

    def add_data_json(self, data: str) -> None:
        """Merges into `data`, over any rule of the same name: hence the check of the data's keys."""
        ...

    def get_ast_as_json(self) -> str:
        """The syntax tree of all modules."""
        ...

    def clone(self) -> Binding:
        """A copy in microseconds: policies and data are shared."""
        ...

    def set_input_json(self, input: str) -> None:  # noqa: A002 - the binding's word
        """The input of the next evaluation."""
        ...

    def eval_rule_as_json(self, rule: str) -> str:
        """A rule's value, or the text `"<undefined>"`."""
        ...


class _Native(Binding, Protocol):
    """What our own has beyond that."""

    def decide(self, rule: str, input: bytes) -> bytes | None:  # noqa: A002 - the binding's word
        """All of an evaluation in one call."""
        ...

    def set_time_limit(self, seconds: float) -> None:
        """Ends every later evaluation that takes longer, with `TimeoutError`."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One binding. `native`: ours, with engines that any thread may use, a fused call and a time limit."""

    module: str
    distribution: str
    native: bool

    @property
    def is_installed(self) -> bool:
        """Whether it can be imported."""
        return importlib.util.find_spec(self.module) is not None

    def __str__(self) -> str:
        """Its name and version, for people."""
        return f"{self.module} {importlib.metadata.version(self.distribution)}"


KINDS = (
    Kind("sidecar_regorus", "model-policy-sidecar-regorus", native=True),
    Kind("regorus", "gordon-to-regorus", native=False),
)
"""The better one first."""


def installed() -> Kind | None:
    """The binding in use."""
    return next((kind for kind in KINDS if kind.is_installed), None)


class _Thread(threading.local):
    """Engines of this thread that were let go of elsewhere, to be dropped here when the next one is made."""

    def __init__(self) -> None:
        self.strays: deque[Binding] = deque()


_here = _Thread()


class Regorus:
    """An engine. Use `engine` and `decide` in the thread that makes it, unless the binding is ours; keep neither."""

    __slots__ = ("_bound_to", "decide", "engine")

    def __init__(self, engine: Binding | None = None) -> None:
        """An empty engine unless given one; raises `PolicyProblems` where no binding is installed."""
        self._bound_to: deque[Binding] | None = None
        _here.strays.clear()
        self.engine = engine or _new_engine()
        self.decide: Decide
        if hasattr(self.engine, "decide"):
            self.decide = cast("_Native", self.engine).decide
        else:
            self.decide = partial(_two_calls, self.engine)
            self._bound_to = _here.strays

    def clone(self, *, time_limit_s: float | None = None) -> Regorus:
        """A copy in microseconds: policies and data are shared.

        `time_limit_s`: of each evaluation, which then ends with `TimeoutError`; the fork's binding knows none.
        """
        copy = Regorus(self.engine.clone())
        if time_limit_s is not None and copy._bound_to is None:
            cast("_Native", copy.engine).set_time_limit(time_limit_s)
        return copy

    def __del__(self, here: _Thread = _here) -> None:
        """Runs in whatever thread lets go of the last reference."""
        if self._bound_to is not None and self._bound_to is not here.strays:
            self._bound_to.append(self.engine)


def _two_calls(engine: Binding, rule: str, input_json: bytes) -> str | None:
    """What the fork's binding has in place of `decide`."""
    engine.set_input_json(input_json.decode())
    text = engine.eval_rule_as_json(rule)
    return None if text == UNDEFINED_TEXT else text


def _new_engine() -> Binding:
    kind = installed()
    if kind is None:
        raise PolicyProblems([f"the embedded engine is not installed: {REMEDY}"])
    return importlib.import_module(kind.module).Engine()
