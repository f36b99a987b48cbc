"""Rules that depend on themselves: refused before activation, for the embedded engine's sake.

OPA's compiler refuses them. regorus does not look, and a recursive function overflows its stack: the process
dies. A reference counts for every rule above or below its path, so a cycle through `data[x]` is found too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Path = tuple[str, ...]
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One definition of a rule: its path below `data`, and the paths that it refers to."""

    path: Path
    place: str
    references: frozenset[Path]


def recursive_rules(modules: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each rule that depends on itself, with its place.

    `modules`: what regorus's `get_ast_as_json` gives, decoded; gone through more than once.
    """
    names: dict[Path, set[str]] = {}
    for module in modules:
        names.setdefault(_package(module), set()).update(head[0] for head in _heads(module["ast"]))
    rules = [rule for module in modules for rule in _rules(module, names[_package(module)])]
    places: dict[Path, str] = {}
    references: dict[Path, set[Path]] = {}
    for rule in rules:
        places.setdefault(rule.path, rule.place)
        references.setdefault(rule.path, set()).update(rule.references)
    graph = {path: _targets(found, references) for path, found in references.items()}
    return [f"{places[path]}: {'.'.join(path)} depends on itself" for path in sorted(graph) if _reaches(graph, path)]


def _targets(found: set[Path], rules: Mapping[Path, object]) -> list[Path]:
    return [path for path in rules if any(_overlap(path, reference) for reference in found)]


def _overlap(one: Path, other: Path) -> bool:
    return all(a == b for a, b in zip(one, other, strict=False))


def _reaches(graph: Mapping[Path, Sequence[Path]], start: Path) -> bool:
    """Whether a walk from a rule comes back to it."""
    seen: set[Path] = set()
    waiting = list(graph[start])
    while waiting:
        path = waiting.pop()
        if path == start:
            return True
        if path not in seen:
            seen.add(path)
            waiting.extend(graph[path])
    return False


def _package(module: Mapping[str, Any]) -> Path:
    return _chain(module["ast"]["package"]["refr"])


def _heads(tree: Mapping[str, Any]) -> Iterator[Path]:
    for rule in tree["rules"]:
        if "Spec" in rule:
            yield _chain(_head(rule)["refr"])


def _head(rule: Node) -> Node:
    """The head of a rule, be it a value, a set's member or a function."""
    return next(iter(rule["Spec"]["head"].values()))


def _rules(module: Mapping[str, Any], names: set[str]) -> Iterator[_Rule]:
    package, imported = _package(module), dict(_imported(module))
    for rule in module["ast"]["rules"]:
        if "Spec" not in rule:  # a default's value is a constant
            continue
        head = _head(rule)
        local = set(_locals(rule, str(module["source"]["contents"]).encode()))
        resolve = _Scope(package, names - local, imported)
        place = f"{module['source']['file']}:{rule['Spec']['span']['line']}"
        own = head["refr"]
        yield _Rule((*package, *_chain(own)), place, frozenset(resolve.references(rule, own)))


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the names in one rule mean."""

    package: Path
    names: set[str]
    imported: Mapping[str, Path]

    def references(self, rule: Node, own: Node) -> Iterator[Path]:
        """Paths below `data` that a rule refers to. `own`: its head's name, which is no reference."""
        for node in _references(rule, own):
            root, *rest = _chain(node) or ("",)
            if root == "data":
                yield tuple(rest)
            elif root in self.names:
                yield (*self.package, root, *rest)
            elif root in self.imported:
                yield (*self.imported[root], *rest)


def _references(root: Node, own: Node) -> Iterator[Node]:
    """Every longest reference below a node, and those in the brackets of others."""
    waiting: list[object] = [root]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting.extend(cast("list[object]", found))
        elif isinstance(found, dict):
            node = cast("Node", found)
            if "Var" in node or "RefDot" in node or "RefBrack" in node:
                if node is not own:
                    yield node
                waiting.extend(_indices(node))
            else:
                waiting.extend(node.values())


def _indices(node: Node) -> Iterator[Node]:
    """What stands in the brackets of a reference, and what the reference begins with, if that is no name."""
    while True:
        if "RefDot" in node:
            node = node["RefDot"]["refr"]
        elif "RefBrack" in node:
            yield node["RefBrack"]["index"]
            node = node["RefBrack"]["refr"]
        else:
            if "Var" not in node:
                yield node
            return


def _chain(node: Node) -> Path:
    """A reference's names up to its first computed one; empty if it does not begin with a name."""
    steps: list[str | None] = []
    while "RefDot" in node or "RefBrack" in node:
        if "RefDot" in node:
            steps.append(str(node["RefDot"]["field"][1]))
            node = node["RefDot"]["refr"]
        else:
            index = node["RefBrack"]["index"]
            steps.append(str(index["String"]["value"]) if "String" in index else None)
            node = node["RefBrack"]["refr"]
    if "Var" not in node:
        return ()
    names = [str(node["Var"]["value"]), *reversed(steps)]
    until = names.index(None) if None in names else len(names)
    return tuple(cast("list[str]", names[:until]))


def _locals(rule: Node, source: bytes) -> Iterator[str]:
    """Names that a rule declares: arguments, `:=`, `some`, `every`."""
    for argument in _head(rule).get("args") or ():
        yield from _variables(argument)
    waiting: list[object] = [rule["Spec"]["bodies"], rule["Spec"]["head"]]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting.extend(cast("list[object]", found))
        elif isinstance(found, dict):
            node = cast("Node", found)
            yield from _declared(node, source)
            waiting.extend(node.values())


def _declared(node: Node, source: bytes) -> Iterator[str]:
    if "AssignExpr" in node and node["AssignExpr"]["op"] == "ColEq":
        yield from _variables(node["AssignExpr"]["lhs"])
    if "SomeIn" in node:
        yield from _variables([node["SomeIn"]["key"], node["SomeIn"]["value"]])
    spans = list(node["SomeVars"]["vars"]) if "SomeVars" in node else []
    if "Every" in node:
        spans += [node["Every"]["key"], node["Every"]["value"]]
    for span in spans:
        if span:
            yield source[span["start"] : span["end"]].decode()


def _variables(pattern: object) -> Iterator[str]:
    waiting = [pattern]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting.extend(cast("list[object]", found))
        elif isinstance(found, dict):
            node = cast("Node", found)
            if "Var" in node:
                yield str(node["Var"]["value"])
            waiting.extend(node.values())


def _imported(module: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    source = str(module["source"]["contents"]).encode()
    for imported in module["ast"]["imports"]:
        path = _chain(imported["refr"])
        if path and path[0] == "data":
            alias = imported.get("as")
            yield source[alias["start"] : alias["end"]].decode() if alias else path[-1], path[1:]
