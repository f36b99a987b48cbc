"""The module that joins the guards, generated from those present: contract 3, closed by default.

The same code runs when a directory is loaded and in `sidecar policy build`. Pure functions over texts, except
`load_modules`, which reads them. Guards are referred to statically: iterating `data.guards[name]` costs an
engine several times as much. The fixed half of the generated module lies in `composed.rego.in`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from sidecar.policy.data_document import DATA_KEYS, check_data

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "DATA_KEYS",
    "GENERATED_PATH",
    "PHASES",
    "SHIPPED_GUARDS",
    "Composition",
    "Modules",
    "check_data",
    "compose",
    "load_modules",
]

PHASES = ("request", "response")
SHIPPED_GUARDS: Mapping[str, tuple[str, ...]] = {
    "provenance": ("request",),
    "staleness": ("request",),
    "consent": ("request",),
    "fairness_band": ("response",),
    "group_mean_band": ("response",),
    "disparate_impact": ("response",),
    "explanation": ("response",),
}
"""Required of every model, whatever its rules name. Whichever is absent makes every decision `policy_malformed`."""

GENERATED_PATH = "sidecar/composed.rego"
"""Where the generated module lies under the policy's root; a file found there is always replaced."""

FILE_LIMIT_BYTES = 256 * 1024
FILES_LIMIT = 1024
TOTAL_LIMIT_BYTES = 8 * 1024 * 1024

_PACKAGE = re.compile(r"package[ \t]+([a-z_]\w*(?:\.[a-z_]\w*)*)[ \t]*(?:#.*)?", re.ASCII)
_GUARD = re.compile(r"guards\.([a-z][a-z0-9_]{0,63})\.([a-z_]+)", re.ASCII)
_DEFAULT_PASS = re.compile(r"^default pass := false[ \t]*(?:#.*)?$", re.MULTILINE)
_DEFINES = re.compile(r"^(violation|valid_until_unix_s)\b", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]|\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Modules:
    """Rego files by path below the policy's root, with `/` between parts. Tests are never loaded to decide."""

    policies: Mapping[str, str]
    tests: Mapping[str, str]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Composition:
    """What to activate. `guards`: name to phases; `absent`: `name.phase` of each shipped guard that is missing.

    With `problems` nothing should be activated; if it were, `text` would refuse every request.
    """

    text: str
    policies: Mapping[str, str]
    guards: Mapping[str, tuple[str, ...]]
    absent: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Guard:
    """One guard in one phase, and which optional rules it defines."""

    name: str
    phase: str
    explains: bool
    has_deadline: bool


def load_modules(root: Path) -> Modules:
    """Every `*.rego` below `root`, except in hidden directories (a ConfigMap's `..data`). Raises OSError."""
    texts: dict[str, str] = {}
    problems: list[str] = []
    total_bytes = 0
    for path in sorted(root.rglob("*.rego")):
        name = path.relative_to(root).as_posix()
        if any(part.startswith(".") for part in name.split("/")):
            continue
        content = path.read_bytes()
        total_bytes += len(content)
        if len(content) > FILE_LIMIT_BYTES:
            problems.append(f"{name}: longer than {FILE_LIMIT_BYTES} bytes")
        elif len(texts) >= FILES_LIMIT or total_bytes > TOTAL_LIMIT_BYTES:
            problems.append(f"{name}: more than {FILES_LIMIT} files or {TOTAL_LIMIT_BYTES} bytes of policy")
            break
        else:
            texts[name] = _decoded(name, content, problems)
    if not texts and not problems:
        problems.append("no *.rego file found")
    tests = {name: text for name, text in texts.items() if name.endswith("_test.rego")}
    return Modules({name: texts[name] for name in texts if name not in tests}, tests, tuple(problems))


def _decoded(name: str, content: bytes, problems: list[str]) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        problems.append(f"{name}: not UTF-8")
        return ""


def compose(modules: Modules) -> Composition:
    """Generates package `sidecar` for these modules. Never raises for what a policy's author wrote."""
    problems = list(modules.problems)
    texts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    policies: dict[str, str] = {}
    for path, text in modules.policies.items():
        if path == GENERATED_PATH:
            continue
        package = _package(text)
        policies[path] = text
        if package is not None and (match := _GUARD.fullmatch(package)) and match[2] in PHASES:
            texts[match[1], match[2]].append(text)
        elif problem := _package_problem(package):
            problems.append(f"{path}: {problem}")
        if _CONTROL.search(text):
            problems.append(f"{path}: holds control characters")
    guards = [_guard(name, phase, "\n".join(found), problems) for (name, phase), found in sorted(texts.items())]
    absent = tuple(
        f"{name}.{phase}" for name, phases in SHIPPED_GUARDS.items() for phase in phases if (name, phase) not in texts
    )
    text = _closed(guards, absent) if absent or problems else _joined(guards)
    return Composition(text, {**policies, GENERATED_PATH: text}, _phases(guards), absent, tuple(problems))


def _package(text: str) -> str | None:
    """The package that a module declares, or None where it is not written on one plain line.

    Lines end with `\\n` alone, as the engines see it: a comment that holds another separator goes on.
    """
    for line in text.split("\n"):
        statement = line.strip(" \t\r")
        if statement and not statement.startswith("#"):
            match = _PACKAGE.fullmatch(statement)
            return match[1] if match else None
    return None


def _package_problem(package: str | None) -> str | None:
    if package is None:
        return "must begin with a plain `package a.b.c`"
    root, _, rest = package.partition(".")
    if root == "lib" and rest:
        return None
    if root in {"sidecar", "system"} or root in DATA_KEYS:
        return f"package {package} is not a policy's to define"
    if root == "guards":
        return f"package {package} is not guards.<name>.request or guards.<name>.response"
    return f"package {package} is neither under guards nor under lib"


def _guard(name: str, phase: str, text: str, problems: list[str]) -> _Guard:
    if not _DEFAULT_PASS.search(text):
        problems.append(f"guards.{name}.{phase}: lacks `default pass := false`")
    defines = set(_DEFINES.findall(text))
    return _Guard(name, phase, "violation" in defines, "valid_until_unix_s" in defines)


def _phases(guards: list[_Guard]) -> dict[str, tuple[str, ...]]:
    phases: dict[str, tuple[str, ...]] = {}
    for guard in guards:
        phases[guard.name] = (*phases.get(guard.name, ()), guard.phase)
    return phases


def _closed(guards: list[_Guard], absent: tuple[str, ...]) -> str:
    """The module for an incomplete set of guards: it refuses every request and says which guard is absent."""
    told = [(guard.partition(".")[0], f"the shipped guard {guard} is absent") for guard in absent]
    reasons = [_malformed(rule, message) for rule, message in told or [("sidecar", "the policy's files have problems")]]
    refusal = {"allow": False, "reasons": reasons, "shadow": [], "obligations": [], "ttl_s": 0}
    return _template("closed.rego.in").substitute(
        refusal=json.dumps(refusal), guards=_object(_phases(guards)), absent=json.dumps(absent)
    )


def _malformed(rule: str, message: str) -> dict[str, str]:
    return {
        "code": "policy_malformed",
        "rule": rule,
        "message": message,
        "remedy": "Run `sidecar check` on the policy and its data.",
    }


def _joined(guards: list[_Guard]) -> str:
    """The module for a complete set of guards."""
    phases = _phases(guards)
    sections = {
        "guards": _object(phases),
        "known": json.dumps(sorted(phases)),
        "by_phase": "\n\n".join([_by_phase(phase, _in(guards, phase)) for phase in PHASES]),
    }
    permits = {f"{phase}_permit": _permit(phase, _in(guards, phase), sections["known"]) for phase in PHASES}
    return _template("composed.rego.in").substitute(sections, **permits)


def _in(guards: list[_Guard], phase: str) -> list[_Guard]:
    return [guard for guard in guards if guard.phase == phase]


def _permit(phase: str, guards: list[_Guard], known: str) -> str:
    """The conditions of a permit for which nothing needs to be gathered, cheapest first."""
    deadlines = [guard for guard in guards if guard.has_deadline]
    conditions = [
        "is_number(input.instances)",
        "input.instances >= 1",
        "is_number(input.time.unix_s)",
        "rules := data.models[input.endpoint.model].rules",
        "is_object(rules)",
        f"object.remove(rules, {known}) == {{}}",
        *[f"[1 | {_is_asked('rules', guard)}; not {_passes(guard)}] == []" for guard in guards],
        *[f"{guard.name}_s := [{_remaining(guard, _is_asked('rules', guard))}]" for guard in deadlines],
        f"ttl_s := {_least([f'{guard.name}_s' for guard in deadlines])}",
    ]
    return "\n".join([f"\t{condition}" for condition in conditions])


def _by_phase(phase: str, guards: list[_Guard]) -> str:
    """The rules that the fixed half asks where not all guards pass."""
    failing = [f'{{"{guard.name}" | {_is_asked("modes", guard)}; not {_passes(guard)}}}' for guard in guards]
    found = [_found(guard) for guard in guards if guard.explains]
    # Only a pass can end: the deadline of a guard that fails in shadow means nothing.
    remaining = [
        f"{{{_remaining(guard, _is_asked('modes', guard), _passes(guard))}}}" for guard in guards if guard.has_deadline
    ]
    return "\n\n".join(
        [
            _rule(f"Guards failing in the {phase}", f"{phase}_failing", failing),
            _rule(f"Reasons found in the {phase}", f"{phase}_found", found),
            _rule(f"Seconds for which passes in the {phase} hold", f"{phase}_remaining_s", remaining),
        ]
    )


def _rule(title: str, name: str, sets: list[str]) -> str:
    lines = "".join([f"\t{members},\n" for members in sets])
    value = f"union({{\n{lines}}})" if sets else "set()"
    return f"# METADATA\n# title: {title}\n{name} := {value}"


def _is_asked(modes: str, guard: _Guard) -> str:
    """A shipped guard that the model's rules do not name is enforced; another one binds nobody else."""
    default = "enforce" if guard.name in SHIPPED_GUARDS else "off"
    return f'object.get({modes}, "{guard.name}", "{default}") != "off"'


def _passes(guard: _Guard) -> str:
    return f"data.guards.{guard.name}.{guard.phase}.pass == true"


def _found(guard: _Guard) -> str:
    violations = f"data.guards.{guard.name}.{guard.phase}.violation"
    return (
        "{"
        + _comprehension(
            f'reason_of("{guard.name}", violation)',
            f'"{guard.name}" in {guard.phase}_failing',
            f"some violation in {violations}",
        )
        + "}"
    )


def _remaining(guard: _Guard, *conditions: str) -> str:
    deadline = f"data.guards.{guard.name}.{guard.phase}.valid_until_unix_s"
    return _comprehension(
        "left_s",
        *conditions,
        f"deadline := {deadline}",
        "is_number(deadline)",
        "left_s := deadline - input.time.unix_s",
    )


def _comprehension(head: str, *conditions: str) -> str:
    return f"{head} |\n" + "".join([f"\t\t{condition}\n" for condition in conditions]) + "\t"


def _least(lists: list[str]) -> str:
    if not lists:
        return "5"
    joined = lists[-1]
    for name in reversed(lists[:-1]):
        joined = f"array.concat({name}, {joined})"
    return f"max([0, min(array.concat([5], {joined}))])"


def _object(phases: Mapping[str, tuple[str, ...]]) -> str:
    """As `opa fmt` writes it, one guard a line."""
    return "\n".join(["{", *[f'\t\t"{name}": {json.dumps(found)},' for name, found in phases.items()], "\t}"])


@cache
def _template(name: str) -> Template:
    return Template(files(__package__).joinpath(name).read_text(encoding="utf-8"))
