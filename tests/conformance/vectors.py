"""Decision vectors: one base, and for each vector what differs from it. `vectors/README.md` gives the format."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.policy.compose import Modules, compose, load_modules
from tests.policies import REGO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = Path(__file__).parent / "vectors"
FILES = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "base")
BASE = json.loads((FOLDER / "base.json").read_text())


@dataclass(frozen=True)
class Vector:
    """One question of one rule of one policy, with the engine's whole answer."""

    name: str
    query: str
    input_json: str
    expected: object


@dataclass(frozen=True)
class Setting:
    """The policy's modules and data, under which vectors are asked."""

    modules: Mapping[str, str]
    data_json: str


@cache
def read(stem: str) -> list[tuple[Setting, list[Vector]]]:
    """A file's vectors by what they are asked of, so that each policy is loaded once."""
    grouped: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for vector in json.loads((FOLDER / f"{stem}.json").read_text()):
        grouped[json.dumps([vector.get("policy"), vector.get("data")], sort_keys=True)].append(vector)
    return [(_setting(vectors[0]), [_vector(vector) for vector in vectors]) for vectors in grouped.values()]


def _setting(vector: dict[str, Any]) -> Setting:
    shipped = load_modules(REGO).policies
    changes = vector.get("policy", {})
    kept = {path: text for path, text in shipped.items() if path not in changes.get("delete", ())}
    composition = compose(Modules(kept | changes.get("set", {}), {}))
    return Setting(composition.policies, json.dumps(changed(BASE["data"], vector.get("data", {}))))


def _vector(vector: dict[str, Any]) -> Vector:
    asked = vector["input"]
    shape = {"items": [_input(item) for item in asked["items"]]} if "items" in asked else _input(asked)
    return Vector(vector["name"], vector.get("query", "decision"), json.dumps(shape), vector["expected"])


def _input(asked: dict[str, Any]) -> object:
    base = BASE["request"] if asked["base"] == "request" else BASE["request"] | BASE["response"]
    return changed(base, asked)


def changed(document: object, changes: dict[str, Any]) -> object:
    """A copy without what `delete` names and with what `set` gives; paths are keys joined by `/`."""
    shape: Any = {"": copy.deepcopy(document)}
    for path in changes.get("delete", ()):
        parent, key = _place(shape, path)
        del parent[key]
    for path, value in changes.get("set", {}).items():
        parent, key = _place(shape, path)
        parent[key] = value
    return shape[""]


def _place(shape: Any, path: str) -> tuple[Any, Any]:
    parent, keys = shape, ["", *(path.split("/") if path else [])]
    for key in keys[:-1]:
        parent = parent[int(key)] if isinstance(parent, list) else parent[key]
    return parent, int(keys[-1]) if isinstance(parent, list) else keys[-1]


def differences(found: Iterable[tuple[Vector, object]]) -> list[str]:
    """One text for each vector whose answer is not the expected one."""
    return [
        f"{vector.name}\n  expected {vector.expected}\n  found    {answer}"
        for vector, answer in found
        if answer != vector.expected
    ]
