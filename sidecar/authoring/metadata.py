"""METADATA: what must be said of a package and of a rule, so that an auditor reads a policy without running it.

- Each package of a guard or a library has a title and a description, in one of its files.
- A guard's package names in `custom.control` which control it enforces: E1 to E6, or one of your own.
- Each rule that others see has both, on one of its definitions: of a guard what the composition reads (`pass`,
  `violation`, `valid_until_unix_s`, `fallback`), of a library what another package refers to.
- Each `violation` that gives a code of its own has both, and names the code in `custom.reasons`.

What is used in its own package alone is a helper, and may say what it is in a plain comment, or by its name.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sidecar.authoring.findings import Finding
from sidecar.authoring.reasons import codes_in
from sidecar.authoring.syntax import custom, reasons_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sidecar.authoring.syntax import Json, Module, Rule

SEEN_OF_GUARDS = frozenset({"pass", "violation", "valid_until_unix_s", "fallback"})
NEEDED = ("title", "description")


def check_metadata(modules: Sequence[Module]) -> Iterator[Finding]:
    """A finding for each thing that is not said. `modules`: those that decide, less the generated one."""
    packages: defaultdict[str, list[Module]] = defaultdict(list)
    for module in modules:
        packages[module.package].append(module)
    referred = {path for module in modules for path in _foreign(module)}
    for package, files in packages.items():
        yield from _package(files)
        seen = SEEN_OF_GUARDS if files[0].is_guard else {rule for name, rule in referred if name == package}
        yield from _rules(files, seen)


def _foreign(module: Module) -> Iterator[tuple[str, str]]:
    """Package and rule of what a module refers to in other packages below `guards` and `lib`."""
    own = tuple(module.package.split("."))
    for path in module.references([rule.tree for rule in module.rules]):
        depth = {"guards": 3, "lib": len(path) - 1}.get(path[0] if path else "", 0)
        for length in range(2, depth + 1):
            if path[:length] != own and len(path) > length:
                yield ".".join(path[:length]), path[length]


def _package(files: Sequence[Module]) -> Iterator[Finding]:
    first = files[0]
    said: Json = {}
    for module in files:
        said = {**module.metadata, **said}
    for word in NEEDED:
        if not said.get(word):
            yield Finding("metadata", f"package {first.package} has no {word}", first.file, first.row)
    if first.is_guard and not custom(said).get("control"):
        yield Finding("metadata", f"guard {first.package} has no custom.control", first.file, first.row)


def _rules(files: Sequence[Module], seen: frozenset[str] | set[str]) -> Iterator[Finding]:
    definitions: defaultdict[str, list[tuple[Module, Rule]]] = defaultdict(list)
    for module in files:
        for rule in module.rules:
            definitions[rule.name].append((module, rule))
    for name, defined in definitions.items():
        if name in seen and not any(_is_told(rule) for _, rule in defined):
            module, rule = defined[0]
            yield from _untold(module, rule)
        elif name == "violation" and files[0].is_guard:
            for module, rule in defined:
                yield from _violation(module, rule)


def _violation(module: Module, rule: Rule) -> Iterator[Finding]:
    codes = sorted({code for code, _ in codes_in(rule) if code is not None})
    if codes:
        yield from _untold(module, rule)
    for code in codes:
        if code not in reasons_of(rule.metadata):
            yield Finding(
                "metadata", f"violation gives {code}, and its custom.reasons does not name it", module.file, rule.row
            )


def _is_told(rule: Rule) -> bool:
    return all(rule.metadata.get(word) for word in NEEDED)


def _untold(module: Module, rule: Rule) -> Iterator[Finding]:
    for word in NEEDED:
        if not rule.metadata.get(word):
            yield Finding("metadata", f"rule {rule.name} has no {word}", module.file, rule.row)
