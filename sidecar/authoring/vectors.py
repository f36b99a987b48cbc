"""Decision vectors: one base, and for each vector what differs from it, with the decision that must come of it.

A folder with `base.json` (`data`, `request`, `response`) and lists of vectors in its other JSON files; the format is
told in docs/policy-lifecycle.md. Reading is strict: what cannot be a vector is a finding, never skipped.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.authoring.findings import Finding
from sidecar.model.refusal import Refused
from sidecar.policy.port import Answer
from sidecar.policy.verdict import read as read_decision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Json = dict[str, Any]

BASE = "base.json"
KEYS = frozenset({"name", "data", "policy", "input", "query", "expected"})
QUERIES = ("decision", "decisions")


@dataclass(frozen=True, slots=True)
class Vector:
    """One question and the whole answer. `policy`: changes to the policy's files; `data`: the document, changed."""

    name: str
    file: str
    row: int
    query: str
    policy: Json
    data: Json
    input: Json
    expected: object

    @property
    def setting(self) -> bytes:
        """The same for vectors that are asked of the same policy and data."""
        return orjson.dumps([self.policy, self.data], option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Vectors:
    """All of a folder, in the order of its files; `findings`: what in it is none."""

    vectors: tuple[Vector, ...]
    findings: tuple[Finding, ...]


class _Malformed(Exception):
    """What is wrong with a vector."""


def read_vectors(folder: Path) -> Vectors:
    """Reads `*.json` in a folder; an empty one is a finding."""
    findings: list[Finding] = []
    base = _base(folder, findings)
    vectors: list[Vector] = []
    for path in sorted(folder.glob("*.json")):
        if path.name != BASE and base is not None:
            vectors += _file(path, base, findings)
    if not vectors and not findings:
        findings.append(Finding("vectors", "holds no vectors", str(folder)))
    return Vectors(tuple(vectors), tuple(findings))


def changed(document: object, changes: Mapping[str, Any]) -> Any:
    """A copy without what `delete` names and with what `set` gives; paths are keys joined by `/`.

    Raises KeyError, IndexError, TypeError or ValueError for a path that leads nowhere.
    """
    shape: Any = {"": copy.deepcopy(document)}
    for path in changes.get("delete", ()):
        parent, key = _place(shape, path)
        del parent[key]
    for path, value in changes.get("set", {}).items():
        parent, key = _place(shape, path)
        parent[key] = value
    return shape[""]


def _place(shape: Any, path: str) -> tuple[Any, str | int]:
    parent: Any = shape
    *above, last = ["", *(path.split("/") if path else [])]
    for key in above:
        parent = parent[_key(parent, key)]
    return parent, _key(parent, last)


def _key(parent: object, key: str) -> str | int:
    return int(key) if isinstance(parent, list) else key


def _base(folder: Path, findings: list[Finding]) -> Json | None:
    document = _json(folder / BASE, findings)
    if document is None:
        return None
    for key in ("data", "request", "response"):
        if not isinstance(document, dict) or not isinstance(cast("Json", document).get(key), dict):
            findings.append(Finding("vectors", f"must be an object with the object {key}", str(folder / BASE)))
            return None
    return cast("Json", document)


def _json(path: Path, findings: list[Finding]) -> object:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        findings.append(Finding("vectors", f"cannot be read: {error.strerror}", str(path)))
    except ValueError as error:
        findings.append(Finding("vectors", f"is no JSON: {error}", str(path), getattr(error, "lineno", 0)))
    return None


def _file(path: Path, base: Json, findings: list[Finding]) -> Iterator[Vector]:
    document = _json(path, findings)
    if document is None:
        return
    if not isinstance(document, list):
        findings.append(Finding("vectors", "must be a list of vectors", str(path)))
        return
    text = path.read_text()
    for number, shape in enumerate(cast("list[object]", document), 1):
        name = _name(shape)
        row = _row(text, name)
        try:
            yield _vector(shape, base, str(path), row)
        except (_Malformed, LookupError, TypeError, ValueError) as error:
            told = str(error) if isinstance(error, _Malformed) else f"a path in it leads nowhere: {error!r}"
            findings.append(Finding("vectors", f"vector {name or number}: {told}", str(path), row))


def _name(shape: object) -> object:
    return cast("Json", shape).get("name") if isinstance(shape, dict) else None


def _row(text: str, name: object) -> int:
    """Where a vector of that name begins, as far as its name tells; else the file is named alone."""
    place = text.find(json.dumps(name, ensure_ascii=False)) if isinstance(name, str) else -1
    return 0 if place < 0 else text.count("\n", 0, place) + 1


def _vector(shape: object, base: Json, file: str, row: int) -> Vector:
    if not isinstance(shape, dict):
        raise _Malformed("must be an object")
    fields = cast("Json", shape)
    if unknown := sorted(set(fields) - KEYS):
        raise _Malformed(f"{', '.join(unknown)}: not known here")
    if missing := sorted({"name", "input", "expected"} - set(fields)):
        raise _Malformed(f"{', '.join(missing)}: missing")
    query = fields.get("query", "decision")
    if query not in QUERIES:
        raise _Malformed(f"query must be one of {', '.join(QUERIES)}")
    if query == "decision":
        _check_decision(fields["expected"])
    asked: Json = fields["input"]
    shaped = {"items": [_input(one, base) for one in asked["items"]]} if "items" in asked else _input(asked, base)
    data = changed(base["data"], fields.get("data", {}))
    return Vector(str(fields["name"]), file, row, query, fields.get("policy", {}), data, shaped, fields["expected"])


def _input(asked: Json, base: Json) -> Json:
    if asked.get("base") not in ("request", "response"):
        raise _Malformed("input.base must be request or response")
    whole = base["request"] if asked["base"] == "request" else base["request"] | base["response"]
    return cast("Json", changed(whole, asked))


def _check_decision(expected: object) -> None:
    """What is expected must be a decision at all, by the contract."""
    try:
        read_decision(Answer(expected, "expected"))
    except Refused as refusal:
        raise _Malformed(f"expected is no decision: {refusal.reasons[0].message}") from None
