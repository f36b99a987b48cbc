"""regorus, Microsoft's Rego engine, in this very process: fast, and part of it for better or worse.

It holds the interpreter lock while it evaluates. Our own binding ends an evaluation at its timeout and loads in a
thread; the fork's does neither, so that a policy's author can stop the sidecar. Where authors are not trusted, use OPA.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.model.refusal import Refused, refused
from sidecar.policy.binding import Regorus, installed
from sidecar.policy.capabilities import forbidden_builtins
from sidecar.policy.line import Line
from sidecar.policy.logs import LINE_LIMIT, QuietLog
from sidecar.policy.port import UNDEFINED, Answer
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.recursion import recursive_rules
from sidecar.policy.shipped_modules import are_shipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sidecar.model.clock import Clock
    from sidecar.policy.bundle import Bundle

DECISION, FACTS = "data.sidecar.decision", "data.sidecar.facts"


class EmbeddedEngine:
    """One activated policy in a regorus engine; it is used by the event loop's thread alone."""

    kind = "embedded"

    def __init__(self, regorus: Regorus, revision: str, *, timeout_s: float, clock: Clock) -> None:
        """`regorus` has policies and data in it, and only its copies are evaluated from now on."""
        self._pristine: Regorus | None = regorus
        self._copy: Regorus | None = None
        self._revision = revision
        self._timeout_s = timeout_s
        self._monotonic_s = clock.monotonic_s
        self._log = QuietLog(clock)
        self._line = Line()

    @property
    def binding(self) -> str:
        """Name and version of what binds regorus here."""
        return str(installed())

    async def decide(self, input_json: bytes) -> Answer:
        """`data.sidecar.decision`, with all that is asked in this turn of the loop."""
        return await self._line.ask(self._decided, input_json)

    async def facts(self) -> Answer:
        """`data.sidecar.facts`; not on the request path, so without a timeout."""
        return Answer(self._evaluate(self._fresh(), FACTS, b"{}"), self._revision)

    async def aclose(self) -> None:
        """Answers who waits, and lets go of the engine, on the thread that made it."""
        self._line.flush()
        self._copy = self._pristine = None

    def _decided(self, input_json: bytes) -> Answer:
        """A result that comes later than the timeout is refused; time spent in line is not counted."""
        started_s = self._monotonic_s()
        copy = self._copy
        if copy is None:
            copy = self._copy = self._fresh(self._timeout_s)
        value = self._evaluate(copy, DECISION, input_json)
        if self._monotonic_s() - started_s > self._timeout_s:
            raise _late()
        return Answer(value, self._revision)

    def _fresh(self, time_limit_s: float | None = None) -> Regorus:
        if self._pristine is None:
            raise refused("policy_unavailable", "the policy engine is closed")
        return self._pristine.clone(time_limit_s=time_limit_s)

    def _evaluate(self, copy: Regorus, rule: str, input_json: bytes) -> object:
        try:
            text = copy.decide(rule, input_json)
        except TimeoutError:
            raise _late() from None
        except Exception as error:
            if str(error).startswith("not a valid rule path"):
                return UNDEFINED
            raise self._failed(error) from None
        except BaseException as error:
            # A Rust panic arrives as pyo3's PanicException, which is no Exception. Whatever else is none
            # (KeyboardInterrupt, CancelledError) is not ours to keep.
            if type(error).__name__ != "PanicException":
                raise
            raise self._panicked(error) from None
        return UNDEFINED if text is None else orjson.loads(text)

    def _failed(self, error: Exception) -> Refused:
        """An evaluation error: its text may quote the input, so the client gets none of it."""
        self._copy = None  # the next evaluation gets a fresh copy, whatever state this one is in
        self._log.failure("the policy's evaluation failed", first_line(error))
        return refused("policy_malformed", "the policy's evaluation failed")

    def _panicked(self, error: BaseException) -> Refused:
        self._copy = None
        self._log.failure("the embedded engine panicked", first_line(error))
        return refused("policy_unavailable", "the policy engine failed")


def _late() -> Refused:
    return refused("policy_timeout", "the policy took longer than it may")


class SyntaxTrees:
    """Modules' syntax trees, each made anew when it is looked at: all of them at once take 15 MiB."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """In the order of their paths; raises what regorus raises for a module that does not parse."""
        for path, text in sorted(self._modules.items()):
            yield orjson.loads(_tree(path, text))[0]


def _tree(path: str, text: str) -> str:
    regorus = Regorus()
    regorus.engine.add_policy(path, text)
    return regorus.engine.get_ast_as_json()


def uncompilable(modules: Mapping[str, str]) -> list[str]:
    """What OPA's compiler would refuse in modules that parse. Takes some 0.3 s; of the shipped ones and of modules
    looked at lately nothing, so that new data alone holds up no request where an engine is made on the loop's thread.
    """
    return [] if are_shipped(modules) else list(_looked_at(tuple(sorted(modules.items()))))


def look_at(modules: Mapping[str, str]) -> tuple[str, ...]:
    """The same by looking, whatever the modules are."""
    trees = SyntaxTrees(modules)
    return (*forbidden_builtins(trees), *recursive_rules(trees))


@lru_cache(maxsize=4)
def _looked_at(modules: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return look_at(dict(modules))


class EmbeddedMaker:
    """Makes an embedded engine for each bundle: our own binding's in a thread, the fork's on the event loop's, which
    stands still meanwhile.
    """

    kind = "embedded"
    restarts = 0

    def __init__(self, *, timeout_s: float, clock: Clock) -> None:
        self._timeout_s = timeout_s
        self._clock = clock

    async def make(self, bundle: Bundle) -> EmbeddedEngine:
        """Parses the modules, refuses forbidden builtins, loads the data, compiles; raises `PolicyProblems`."""
        kind = installed()
        is_free = kind is not None and kind.native
        regorus = await asyncio.to_thread(_load, bundle) if is_free else _load(bundle)
        return EmbeddedEngine(regorus, bundle.revision, timeout_s=self._timeout_s, clock=self._clock)


def _load(bundle: Bundle) -> Regorus:
    regorus = parse(bundle.modules)
    # regorus knows no capabilities and follows recursion until the process dies, so its syntax tree is searched for
    # what OPA would not even compile.
    problems = uncompilable(bundle.modules)
    if problems:
        raise PolicyProblems(problems)
    compile_with(regorus, bundle.data_json.decode())
    return regorus


def parse(modules: Mapping[str, str]) -> Regorus:
    """An engine with these modules; raises `PolicyProblems` with what is wrong in each."""
    regorus = Regorus()
    problems: list[str] = []
    for path, text in sorted(modules.items()):
        try:
            regorus.engine.add_policy(path, text)
        except Exception as error:
            problems.append(first_line(error))
    if problems:
        raise PolicyProblems(problems)
    return regorus


def compile_with(regorus: Regorus, data_json: str) -> None:
    """Adds the data and evaluates once, which compiles all modules; raises `PolicyProblems`."""
    try:
        regorus.engine.add_data_json(data_json)
        regorus.engine.set_input_json("{}")
        regorus.engine.eval_rule_as_json(FACTS)
    except Exception as error:
        raise PolicyProblems([first_line(error)]) from None


def first_line(error: BaseException) -> str:
    """What regorus says in one line, without its stack backtrace: `--> file:3:9: what is wrong`."""
    told = str(error).partition("Stack backtrace:")[0]
    lines = [line.strip() for line in told.splitlines()]
    place = next((line.removeprefix("--> ") for line in lines if line.startswith("--> ")), None)
    what = next((line for line in lines if line.startswith("error: ")), None)
    if what is None:
        return next((line for line in lines if line), type(error).__name__)[:LINE_LIMIT]
    return (f"{place}: {what.removeprefix('error: ')}" if place else what)[:LINE_LIMIT]
