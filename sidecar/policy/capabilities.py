"""What a policy may call: builtins that are functions of their arguments, and that both engines have.

A decision must be a function of its input, so that it can be replayed (contract 3). `capabilities.json` says it to
OPA's compiler; the embedded engine knows no such switch, so its syntax tree is walked instead. Closed by default:
a call that is neither a listed builtin nor a function of the policy's own is forbidden.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CAPABILITIES_FILE = Path(__file__).with_name("capabilities.json")
"""As `opa check --capabilities` takes it; made by `filtered` from `opa capabilities --current`."""

NOT_A_FUNCTION_OF_INPUT = ("http.", "opa.", "rand.", "uuid.", "net.", "time.now_ns", "io.jwt.", "providers.")
"""Contract 3, and with it what checks tokens by the clock or signs requests."""
WRITES_LOGS = ("print", "trace", "internal.print")
"""They would put a person's attributes into the process's log."""
EMBEDDED_LACKS = (
    *("all", "any", "array.flatten", "cast_", "crypto.", "graphql.", "json.match_schema", "json.verify_schema"),
    *("re_match", "regex.globs_match", "rego.", "set_diff", "strings.render_template", "strings.split_n", "uri."),
    "internal.template_string",
)
"""Of regorus 0.13. What only one engine has would decide in one place and fail in another."""
FEATURES = ("keywords_in_refs", "rego_v1")
"""Of the language, what both engines know."""


def filtered(current: Mapping[str, Any]) -> dict[str, Any]:
    """The capabilities of a policy, from all that an OPA has."""
    unwanted = NOT_A_FUNCTION_OF_INPUT + WRITES_LOGS + EMBEDDED_LACKS
    builtins = [builtin for builtin in current["builtins"] if not _starts(builtin["name"], unwanted)]
    features = [feature for feature in current["features"] if feature in FEATURES]
    return {"builtins": builtins, "features": features}


def _starts(name: str, unwanted: Sequence[str]) -> bool:
    """A pattern that ends in `.` or `_` stands for all names below it."""
    return any(name.startswith(one) if one[-1] in "._" else name == one for one in unwanted)


@cache
def allowed_builtins() -> frozenset[str]:
    """The names in `capabilities.json`."""
    return frozenset(builtin["name"] for builtin in json.loads(CAPABILITIES_FILE.read_bytes())["builtins"])


def forbidden_builtins(modules: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each call that a policy may not make, with its place.

    `modules`: what regorus's `get_ast_as_json` gives, decoded; gone through more than once.
    """
    own = {name for module in modules for name in _heads(module["ast"])}
    return [problem for module in modules for problem in _forbidden_in(module, own)]


def _forbidden_in(module: Mapping[str, Any], own: set[str]) -> Iterator[str]:
    imported = {name for name in _imported(module) if name not in _namespaces()}
    for call in _calls(module["ast"]):
        name = _name(call["fcn"])
        root = name.partition(".")[0]
        if name in allowed_builtins() or (root == name and name in own) or root in imported or root == "data":
            continue
        place = f"{module['source']['file']}:{call['span']['line']}"
        yield f"{place}: {name or 'this call'} is not among the builtins that a policy may call"


@cache
def _namespaces() -> frozenset[str]:
    """First words of builtins, allowed or not: an import must not lend its name to a forbidden one."""
    listed = (name.partition(".")[0] for name in allowed_builtins() if "." in name)
    unlisted = (name.partition(".")[0] for name in NOT_A_FUNCTION_OF_INPUT + EMBEDDED_LACKS if "." in name)
    return frozenset((*listed, *unlisted))


def _calls(node: object) -> Iterator[Mapping[str, Any]]:
    """Every call below a node, wherever it stands: bodies, heads, comprehensions, `with`, `else`, defaults."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            members = cast("dict[str, Any]", found)
            if "Call" in members:
                yield members["Call"]
            waiting.extend(members.values())
        elif isinstance(found, list):
            waiting.extend(cast("list[object]", found))


def _name(function: Mapping[str, Any]) -> str:
    """The dotted name of a call; empty for a shape that is no plain name, which is then forbidden."""
    if "Var" in function:
        return str(function["Var"]["value"])
    if "RefDot" in function:
        reference = function["RefDot"]
        below = _name(reference["refr"])
        return f"{below}.{reference['field'][1]}" if below else ""
    return ""


def _heads(tree: Mapping[str, Any]) -> Iterator[str]:
    """Names that a module's own rules and functions have, unless they are a builtin's that is not allowed."""
    for rule in tree["rules"]:
        head = rule.get("Spec", {}).get("head", {}).get("Func")
        name = _name(head["refr"]) if head else ""
        if name and not _starts(name, NOT_A_FUNCTION_OF_INPUT + WRITES_LOGS + EMBEDDED_LACKS):
            yield name


def _imported(module: Mapping[str, Any]) -> Iterator[str]:
    """Names under which a module's imports are known. Of an alias the tree has only the place in the source."""
    source = str(module["source"]["contents"]).encode()
    for imported in module["ast"]["imports"]:
        alias = imported.get("as")
        named = source[alias["start"] : alias["end"]].decode() if alias else _name(imported["refr"])
        yield named.rpartition(".")[2]
