"""The module that joins the guards, generated from those present: contract 3, closed by default.

The same code runs when a directory is loaded and in `sidecar policy compose`. Here files are read and judged;
`generated.py` writes the module.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.policy.data_document import DATA_KEYS, check_data
from sidecar.policy.generated import PHASES, SHIPPED_GUARDS, Guard, closed, fallbacks_of, joined, phases_of
from sidecar.policy.module_text import DEPTH_LIMIT, depth, package_of

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

GENERATED_PATH = "sidecar/composed.rego"
"""Where the generated module lies under the policy's root; a file found there is always replaced."""

FILE_LIMIT_BYTES = 256 * 1024
FILES_LIMIT = 1024
TOTAL_LIMIT_BYTES = 8 * 1024 * 1024

_GUARD = re.compile(r"guards\.([a-z][a-z0-9_]{0,63})\.([a-z_]+)", re.ASCII)
_DEFAULT_PASS = re.compile(r"^default pass := false[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_DEFINES = re.compile(r"^(?:default )?(violation|valid_until_unix_s|fallback)\b(?!\()", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]|\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Modules:
    """Rego files by path below the policy's root, with `/` between parts. Tests are never loaded to decide."""

    policies: Mapping[str, str]
    tests: Mapping[str, str]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Composition:
    """What to activate. `guards`: name to phases; `absent`: `name.phase` of each shipped guard that is missing;
    `fallbacks`: the guards that compute one.

    With `problems` nothing should be activated; if it were, `text` would refuse every request.
    """

    text: str
    policies: Mapping[str, str]
    guards: Mapping[str, tuple[str, ...]]
    absent: tuple[str, ...]
    problems: tuple[str, ...]
    fallbacks: frozenset[str]


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
        text = content.decode()
    except UnicodeDecodeError:
        problems.append(f"{name}: not UTF-8")
        return ""
    if depth(text) > DEPTH_LIMIT and not name.endswith("_test.rego"):
        problems.append(f"{name}: brackets are nested more than {DEPTH_LIMIT} deep")
        return ""
    return text


def compose(modules: Modules) -> Composition:
    """Generates package `sidecar` for these modules. Never raises for what a policy's author wrote."""
    problems = list(modules.problems)
    texts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    policies: dict[str, str] = {}
    for path, text in modules.policies.items():
        if path == GENERATED_PATH:
            continue
        package = package_of(text)
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
    text = closed(guards, absent) if absent or problems else joined(guards)
    return Composition(
        text, {**policies, GENERATED_PATH: text}, phases_of(guards), absent, tuple(problems), fallbacks_of(guards)
    )


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


def _guard(name: str, phase: str, text: str, problems: list[str]) -> Guard:
    if not _DEFAULT_PASS.search(text):
        problems.append(f"guards.{name}.{phase}: lacks `default pass := false`")
    defines = set(_DEFINES.findall(text))
    return Guard(name, phase, "violation" in defines, "valid_until_unix_s" in defines, "fallback" in defines)
