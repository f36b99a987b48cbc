"""A module's syntax tree, as `opa parse` gives it, in the words of the checks: packages, rules, references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One definition of a rule. `name`: its first word, which is what references to it begin with."""

    name: str
    row: int
    metadata: Json
    tree: Json


@dataclass(frozen=True, slots=True)
class Module:
    """One file. `package`: dotted, without `data`; `metadata`: that of the package; `imports`: name to full path."""

    file: str
    package: str
    row: int
    metadata: Json
    imports: Mapping[str, tuple[str, ...]]
    rules: tuple[Rule, ...]

    @property
    def is_guard(self) -> bool:
        """Whether it belongs to a guard, and not to a library."""
        return self.package.startswith("guards.")

    def references(self, tree: object) -> Iterator[tuple[str, ...]]:
        """Full paths, without `data`, of what is referred to below a node, as far as they are constant.

        A plain name is taken for one of the module's own rules, which a local variable may be as well.
        """
        for node in nodes(tree):
            kind, value = node.get("type"), node.get("value")
            if kind == "ref":
                yield from self._full(_constant(cast("list[Json]", value)))
            elif kind == "var":
                yield from self._full((str(value),))

    def _full(self, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if not path:
            return
        if path[0] == "data":
            yield path[1:]
        else:
            first = self.imports.get(path[0], (*self.package.split("."), path[0]))
            yield (*first, *path[1:])


def module_of(file: str, tree: Json) -> Module:
    """From `opa parse --format json --json-include locations`."""
    package: Json = tree["package"]
    return Module(
        file,
        ".".join(_constant(package["path"])[1:]),
        package["path"][-1]["location"]["row"],
        _merged(one for one in tree.get("annotations", ()) if one["scope"] in ("package", "subpackages")),
        dict(_imported(one) for one in tree.get("imports", ())),
        tuple(_rule(one) for one in tree.get("rules", ())),
    )


def nodes(tree: object) -> Iterator[Json]:
    """Every object in a tree, wherever it stands, except in annotations, and except the first name of a reference."""
    waiting = [tree]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            members = cast("Json", found)
            yield members
            waiting.extend(_below(members))
        elif isinstance(found, list):
            waiting.extend(cast("list[object]", found))


def _below(members: Json) -> Iterator[object]:
    if members.get("type") == "ref":
        first, *rest = members["value"]
        yield rest if first["type"] == "var" else members["value"]
    else:
        yield from (value for name, value in members.items() if name != "annotations")


def _rule(tree: Json) -> Rule:
    metadata = _merged(tree.get("annotations", ()))
    return Rule(str(tree["head"]["ref"][0]["value"]), tree["location"]["row"], metadata, tree)


def _imported(tree: Json) -> tuple[str, tuple[str, ...]]:
    path = _constant(tree["path"]["value"])
    return tree.get("alias") or path[-1], path[1:] if path[0] == "data" else path


def _constant(parts: list[Json]) -> tuple[str, ...]:
    """The leading names of a reference, up to the first that is computed."""
    names: list[str] = []
    for number, part in enumerate(parts):
        if part["type"] != ("string" if number else "var"):
            break
        names.append(str(part["value"]))
    return tuple(names)


def custom(metadata: Json) -> Json:
    """What METADATA says in `custom`, where OPA takes anything."""
    found: object = metadata.get("custom")
    return cast("Json", found) if isinstance(found, dict) else {}


def reasons_of(metadata: Json) -> list[str]:
    """The codes in `custom.reasons`; none where that is no list."""
    reasons: object = custom(metadata).get("reasons")
    return [str(code) for code in cast("list[object]", reasons)] if isinstance(reasons, list) else []


def _merged(annotations: Iterable[Json]) -> Json:
    found: Json = {}
    for annotation in annotations:
        found |= annotation
    return found
