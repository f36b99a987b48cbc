"""What a policy may read of those values that a record holds only as a digest or in part.

Decided by looking at the modules' text, without an engine, and to the safe side: a policy that hands `input`, or
one of these values' parents, to a name or a function may read them all.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sidecar.policy.compose import GENERATED_PATH, SHIPPED_GUARDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ADDRESS = ("source", "address")
FEATURES = ("prediction", "features")
EXPLANATION = ("prediction", "explanation")
SUBJECT = ("consent", "subject")
TOKEN_ID = ("consent", "token_id")
HAS_EXPLANATION = ("prediction", "explanation", "whether there is one")
"""Less than reading it: a digest tells it, where the salt is still there."""

_LOSSY = (ADDRESS, FEATURES, EXPLANATION, SUBJECT, TOKEN_ID)

InputPath = tuple[str, ...]
"""The names that lead to a member of the policy input."""

_PACKAGE = re.compile(r"package\s+guards\.(\w+)\.(\w+)\s*$", re.MULTILINE)
_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*"|`[^`]*`)|#[^\n]*')
_INPUT = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|(?P<path>(?<![\w.])input\b(?:\.\w+|\["(?:[^"\\\n]|\\.)*"\])*)')
_STEP = re.compile(r'\.(\w+)|\[("(?:[^"\\\n]|\\.)*")\]')
_WITH = re.compile(r"\bwith\s+$")
_WITH_REACH_CHARS = 64
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_GUARD_ASKED = re.compile(r"(?<![\w.])data\.guards\.(\w+)")
_ANY_GUARD_ASKED = re.compile(r"(?<![\w.])data\b(?!\.\w)|(?<![\w.])data\.guards\b(?!\.\w)")
"""`data` or `data.guards` in a way that does not say which part of it."""
_ASKS_WHETHER = re.compile(
    r'\{\s*(\w+) := input\.prediction\.explanation\s*\n\s*not \1 in \[null, false, "", \[\], \{\}\]\s*\}'
)
"""The body of the shipped guard `explanation`: the name lives in this body alone, so nothing else reads it."""
_FALLBACK = re.compile(r"^(?:default )?fallback\b.*?(?=^[a-z]|\Z)", re.MULTILINE | re.DOTALL)
"""A guard's rule `fallback`, up to the next rule: asked only where a mitigation says so."""


@dataclass(frozen=True, slots=True)
class _Module:
    """`guard` and `phase` of a guard's module; None for a library's, which any guard may use.

    `computing`: what its fallback reads beside.
    """

    guard: str | None
    phase: str | None
    reads: frozenset[InputPath]
    computing: frozenset[InputPath] = frozenset()


class PolicyReads:
    """What the modules of one policy may read. Cheap to ask: the text is looked at once."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        """`modules`: path to text; the generated one asks no more than the guards do."""
        codes = [_code(text) for path, text in modules.items() if path != GENERATED_PATH]
        self._modules = [_module(code) for code in codes]
        wordless = [_STRING.sub('""', code) for code in codes]
        self._any_asked = any(_ANY_GUARD_ASKED.search(code) for code in wordless)
        self._asked = {name for code in wordless for name in _GUARD_ASKED.findall(code)}
        self._known: dict[tuple[object, str], frozenset[InputPath]] = {}

    def of(self, rules: object, phase: str) -> frozenset[InputPath]:
        """By the guards asked of a model with these `rules`, less their fallbacks, and by all libraries."""
        modes: Mapping[str, object] = cast("Mapping[str, object]", rules) if isinstance(rules, dict) else {}
        key = (tuple(modes.items()), phase)
        if key not in self._known:  # as many as models in the policy's data have different rules
            found = [module.reads for module in self._modules if self._is_asked(module, modes, phase)]
            self._known[key] = frozenset[InputPath]().union(*found)
        return self._known[key]

    def of_fallbacks(self, mitigation: object, phase: str) -> tuple[frozenset[str], frozenset[InputPath]]:
        """The guards whose failure a computed fallback mitigates, and what those who compute may read for that."""
        by = dict(_computed(mitigation)) if phase == "response" else {}
        found = [module.reads | module.computing for module in self._modules if module.guard in by.values()]
        return frozenset(by), frozenset[InputPath]().union(*found)

    def _is_asked(self, module: _Module, modes: Mapping[str, object], phase: str) -> bool:
        # Where another module asks a guard, it may matter though it is off.
        if module.guard is None or self._any_asked or module.guard in self._asked:
            return True
        if module.phase != phase:
            return False
        return modes.get(module.guard, "enforce" if module.guard in SHIPPED_GUARDS else "off") != "off"


def _module(code: str) -> _Module:
    named = _PACKAGE.search(code)
    if named is None:
        return _Module(None, None, frozenset(may_read(code)))
    rest, fallbacks = _FALLBACK.sub("", code), "\n".join(_FALLBACK.findall(code))
    return _Module(named[1], named[2], frozenset(may_read(rest)), frozenset(may_read(fallbacks)))


def _computed(mitigation: object) -> Iterator[tuple[str, str]]:
    """The guards in whose stead another (or they themselves) may compute a decision, and that other."""
    entries = cast("Mapping[str, object]", mitigation).items() if isinstance(mitigation, dict) else ()
    for name, entry in entries:
        if isinstance(entry, dict):
            said = cast("Mapping[str, object]", entry)
            if said.get("action") == "fallback" and "outputs" not in said:
                yield name, str(said.get("by", name))


def may_read(code: str) -> Iterator[InputPath]:
    """The lossy values that a module without comments may read."""
    plain = _ASKS_WHETHER.sub("{ true }", code)
    if plain != code:
        yield HAS_EXPLANATION
    for path in _input_paths(plain):
        for place in _LOSSY:
            if path[:2] == place[: len(path)]:
                yield place


def _input_paths(code: str) -> Iterable[InputPath]:
    """Each reference to `input`, up to its first computed step; what `with` replaces is no reference."""
    for match in _INPUT.finditer(code):
        before = code[max(0, match.start() - _WITH_REACH_CHARS) : match.start()]
        if match["path"] and not _WITH.search(before):
            yield tuple(name or str(json.loads(quoted)) for name, quoted in _STEP.findall(match["path"]))


def _code(text: str) -> str:
    """A module less its comments."""
    return _COMMENT.sub(lambda match: match[1] or "", text)
