"""regorus, Microsoft's Rego engine, in this very process: fast, and not to be pre-empted.

It holds the interpreter lock while it evaluates and while it loads, so a policy's author can stop the
sidecar: where authors are not trusted, use OPA. The adapter speaks the API of regorus's own Python binding.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.model.refusal import Refused, refused
from sidecar.policy.binding import Regorus
from sidecar.policy.capabilities import forbidden_builtins
from sidecar.policy.logs import LINE_LIMIT, QuietLog
from sidecar.policy.port import UNDEFINED, Answer
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.recursion import recursive_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sidecar.model.clock import Clock
    from sidecar.policy.bundle import Bundle

UNDEFINED_TEXT = '"<undefined>"'
"""How the binding writes that a rule has no value."""


class EmbeddedEngine:
    """One activated policy in a regorus engine. It belongs to the thread that made it, the event loop's."""

    kind = "embedded"

    def __init__(self, regorus: Regorus, revision: str, *, timeout_s: float, clock: Clock) -> None:
        """`regorus` has policies and data in it, and only its copies are evaluated from now on."""
        self._pristine: Regorus | None = regorus
        self._copy: Regorus | None = None
        self._revision = revision
        self._timeout_s = timeout_s
        self._monotonic_s = clock.monotonic_s
        self._log = QuietLog(clock)

    async def decide(self, input_json: bytes) -> Answer:
        """`data.sidecar.decision`; a result that comes later than the timeout is refused."""
        started_s = self._monotonic_s()
        value = self._evaluate("data.sidecar.decision", input_json.decode())
        if self._monotonic_s() - started_s > self._timeout_s:
            raise refused("policy_timeout", "the policy took longer than it may")
        return Answer(value, self._revision)

    async def facts(self) -> Answer:
        """`data.sidecar.facts`; not on the request path, so without a timeout."""
        return Answer(self._evaluate("data.sidecar.facts", "{}"), self._revision)

    async def aclose(self) -> None:
        """Lets go of the engine, on the thread that made it."""
        self._copy = self._pristine = None

    def _evaluate(self, rule: str, input_json: str) -> object:
        if self._pristine is None:
            raise refused("policy_unavailable", "the policy engine is closed")
        try:
            copy = self._copy = self._copy or self._pristine.clone()
            copy.engine.set_input_json(input_json)
            text = copy.engine.eval_rule_as_json(rule)
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
        return UNDEFINED if text == UNDEFINED_TEXT else orjson.loads(text)

    def _failed(self, error: Exception) -> Refused:
        """An evaluation error: its text may quote the input, so the client gets none of it."""
        self._copy = None  # the next evaluation gets a fresh copy, whatever state this one is in
        self._log.failure("the policy's evaluation failed", first_line(error))
        return refused("policy_malformed", "the policy's evaluation failed")

    def _panicked(self, error: BaseException) -> Refused:
        self._copy = None
        self._log.failure("the embedded engine panicked", first_line(error))
        return refused("policy_unavailable", "the policy engine failed")


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
    """What OPA's compiler would refuse in modules that parse. Takes some 0.3 s of the loop's thread, to which
    engines belong; of modules looked at lately nothing, so that new data alone holds up no request.
    """
    return list(_uncompilable(tuple(sorted(modules.items()))))


@lru_cache(maxsize=4)
def _uncompilable(modules: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    trees = SyntaxTrees(dict(modules))
    return (*forbidden_builtins(trees), *recursive_rules(trees))


class EmbeddedMaker:
    """Makes an embedded engine for each bundle, on the event loop's thread, which stands still meanwhile."""

    kind = "embedded"
    restarts = 0

    def __init__(self, *, timeout_s: float, clock: Clock) -> None:
        self._timeout_s = timeout_s
        self._clock = clock

    async def make(self, bundle: Bundle) -> EmbeddedEngine:
        """Parses the modules, refuses forbidden builtins, loads the data, compiles; raises `PolicyProblems`."""
        regorus = parse(bundle.modules)
        # regorus knows no capabilities and follows recursion until the process dies, so its syntax tree is
        # searched for what OPA would not even compile.
        problems = uncompilable(bundle.modules)
        if problems:
            raise PolicyProblems(problems)
        compile_with(regorus, bundle.data_json.decode())
        return EmbeddedEngine(regorus, bundle.revision, timeout_s=self._timeout_s, clock=self._clock)


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
        regorus.engine.eval_rule_as_json("data.sidecar.facts")
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
