"""regorus's own Python binding: what is used of it, and where its engines end.

An engine may be used, and dropped, by the thread that made it alone: dropped in another it is never freed, and says
so. But an engine may be held by what outlives its user, an exception's traceback among others, until the garbage
collector runs in whatever thread. So each is held by a `Regorus`, which sends it home.
"""

from __future__ import annotations

import importlib
import threading
from collections import deque
from typing import Protocol

from sidecar.policy.problems import PolicyProblems

REMEDY = "pip install 'model-policy-sidecar[embedded]'"


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


class _Thread(threading.local):
    """Engines of this thread that were let go of elsewhere, to be dropped here when the next one is made."""

    def __init__(self) -> None:
        self.strays: deque[Binding] = deque()


_here = _Thread()


class Regorus:
    """An engine of the thread that makes it. Use `engine` there only, and keep no reference to it."""

    __slots__ = ("_strays", "engine")

    def __init__(self, engine: Binding | None = None) -> None:
        """An empty engine unless given one; raises `PolicyProblems` where the binding is not installed."""
        self._strays = _here.strays
        self._strays.clear()
        self.engine = engine or _new_engine()

    def clone(self) -> Regorus:
        """A copy in microseconds: policies and data are shared."""
        return Regorus(self.engine.clone())

    def __del__(self, here: _Thread = _here) -> None:
        """Runs in whatever thread lets go of the last reference."""
        if here.strays is not self._strays:
            self._strays.append(self.engine)


def _new_engine() -> Binding:
    try:
        binding = importlib.import_module("regorus")  # an extra: who uses OPA need not have it
    except ImportError as error:
        raise PolicyProblems([f"the embedded engine is not installed ({error}): {REMEDY}"]) from None
    return binding.Engine()
