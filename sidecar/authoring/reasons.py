"""Which reason codes a guard can give, found in its text, against those that its METADATA documents.

Followed are the guard's own rules and the libraries they refer to, not another guard: what that says is documented
there. A code must stand in the text as a string, or nobody can list the reasons for which a policy refuses.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sidecar.authoring.findings import Finding
from sidecar.authoring.syntax import nodes, reasons_of
from sidecar.model.reasons import policy_may_use

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sidecar.authoring.syntax import Module, Rule

Place = tuple[str, int]
RuleName = tuple[str, ...]
"""Package and rule, part by part."""


def codes_in(rule: Rule) -> Iterator[tuple[str | None, int]]:
    """Values of the key `code` in objects that a rule makes, with their row; None for one that is computed."""
    for node in nodes(rule.tree):
        if node.get("type") == "object":
            for key, value in cast("list[list[Any]]", node["value"]):
                if key.get("type") == "string" and key["value"] == "code":
                    yield value["value"] if value["type"] == "string" else None, key["location"]["row"]


def check_reasons(modules: Sequence[Module]) -> Iterator[Finding]:
    """A finding for each code that is undocumented, unusable, computed, or documented and never given."""
    graph = _Graph.of(modules)
    guards: defaultdict[str, list[Module]] = defaultdict(list)
    for module in modules:
        if module.is_guard:
            guards[module.package].append(module)
    for package, files in guards.items():
        given, computed = graph.given_by((*package.split("."), "violation"))
        yield from _judged(files, given, computed)


def _judged(files: Sequence[Module], given: Mapping[str, Place], computed: Sequence[Place]) -> Iterator[Finding]:
    first, known = files[0], [code for module in files for code in reasons_of(module.metadata)]
    for code, (file, row) in given.items():
        if code not in known:
            yield Finding("reasons", f"{code} is not in custom.reasons of {first.package}", file, row)
        if not policy_may_use(code):
            yield Finding(
                *(
                    "reasons",
                    f"{code} is not a policy's to give: the call would be refused as policy_malformed",
                    file,
                    row,
                ),
                remedy="use a policy's code of docs/reasons.md, or one of your own in lower case",
            )
    for file, row in computed:
        yield Finding(
            *("reasons", f"{first.package} gives a code that is computed", file, row),
            remedy="write the code as a string, with a rule for each",
        )
    for code in known:
        if code not in given and not computed:
            yield Finding("reasons", f"{first.package} documents {code}, and gives it nowhere", first.file, first.row)


@dataclass(slots=True)
class _Graph:
    """Rules by name: the codes in their text, and what they refer to."""

    codes: defaultdict[RuleName, list[tuple[str | None, Place]]] = field(default_factory=lambda: defaultdict(list))
    references: defaultdict[RuleName, set[RuleName]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, modules: Sequence[Module]) -> _Graph:
        graph = cls()
        for module in modules:
            for rule in module.rules:
                name = (*module.package.split("."), rule.name)
                graph.codes[name] += [(code, (module.file, row)) for code, row in codes_in(rule)]
                graph.references[name].update(module.references(rule.tree))
        return graph

    def given_by(self, start: RuleName) -> tuple[dict[str, Place], list[Place]]:
        """The codes with a place of each, and the places of computed ones, in all that a rule reaches."""
        given: dict[str, Place] = {}
        computed: list[Place] = []
        for name in self._reached(start):
            for code, place in self.codes[name]:
                if code is None:
                    computed.append(place)
                else:
                    given.setdefault(code, place)
        return given, computed

    def _reached(self, start: RuleName) -> Iterator[RuleName]:
        seen: set[RuleName] = set()
        waiting = [start]
        while waiting:
            name = waiting.pop()
            if name in seen or (name[0] == "guards" and name[:3] != start[:3]):
                continue
            seen.add(name)
            yield name
            waiting += [known for path in self.references[name] for known in self._known(path)]

    def _known(self, path: tuple[str, ...]) -> Iterator[RuleName]:
        """The rules among what a path may mean: rule `b` of `lib.a`, or the whole package `lib.a.b`."""
        for length in range(2, len(path) + 1):
            if path[:length] in self.codes:
                yield path[:length]
        yield from [name for name in self.codes if name[:-1] == path]
