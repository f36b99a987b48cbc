"""What a record's key and body must be, so that no bad data document comes of it, and what engines see of it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import orjson

from sidecar.policy.data_document import check_entry
from sidecar.policy.facts import FactsInvalid, read_facts
from sidecar.policy.port import Answer
from sidecar.registry.store.drift import rule_problems
from sidecar.registry.values import Invalid, Json, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

KEY_LIMIT_BYTES = 256
"""Contract 2: no attribute of a request is longer, so no longer key could ever be asked for."""
REVOCATIONS = frozenset({Kind.REVOKED_TOKEN, Kind.REVOKED_SUBJECT})
_PSEUDONYM = re.compile(r"[0-9a-f]{64}")
_PSEUDONYMS = REVOCATIONS | {Kind.OBJECTION}

PLACES: Mapping[Kind, tuple[str, str]] = {
    Kind.DATASET: ("datasets", ""),
    Kind.MODEL: ("models", ""),
    Kind.GROUP_MEAN: ("group_mean", ""),
    Kind.REVOKED_TOKEN: ("revocations", "tokens"),
    Kind.REVOKED_SUBJECT: ("revocations", "subjects"),
    Kind.OBJECTION: ("objections", "subjects"),
}
"""Where a kind's records stand in the data document."""

_MEMBERS: Mapping[Kind, frozenset[str]] = {
    Kind.DATASET: frozenset({"created_unix_s", "consent_scopes", "parents", "source", "checksum"}),
    Kind.GROUP_MEAN: frozenset({"means", "provenance"}),
    Kind.REVOKED_TOKEN: frozenset({"reason", "until_unix_s"}),
    Kind.REVOKED_SUBJECT: frozenset({"reason", "until_unix_s"}),
    Kind.OBJECTION: frozenset({"reason"}),
}
"""Models are open: policies have guards of their own, with limits of their own."""
_FOR_PEOPLE = ("owner", "means")
"""Members of a model that no rule reads."""


def key_problem(kind: Kind, key: str) -> str | None:
    """Why there can be no such record."""
    if kind in _PSEUDONYMS:
        return None if _PSEUDONYM.fullmatch(key) else f"{_shown(key)}: must be a pseudonym, 64 hexadecimal digits"
    if not key or not key.isprintable() or key != key.strip() or len(key.encode()) > KEY_LIMIT_BYTES:
        return f"{_shown(key)}: must be 1 to {KEY_LIMIT_BYTES} bytes of visible characters"
    if kind is Kind.DATASET and "," in key:  # contract 2: a governed header with a comma is malformed
        return f"{_shown(key)}: a data version has no comma"
    return None


def check_text(*texts: str) -> None:
    """Raises `Invalid` for what no database takes as a text."""
    for text in texts:
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise Invalid(f"{_shown(text)}: holds a character that is none")


def stored(body: Json) -> Json:
    """The body as the database gives it back; raises ValueError, TypeError for what is no JSON."""
    return cast("Json", orjson.loads(orjson.dumps(body)))


def problems(kind: Kind, key: str, body: Json, guards: Collection[str] | None, unix_s: float) -> list[str]:
    """Every reason for which this is no acceptable record now, with its place. `guards`: the names that rules may use,
    where they are known."""
    place = ".".join(filter(None, (*PLACES[kind], key)))
    if kind is Kind.MODEL:
        return _model(place, key, body, guards)
    found = [f"{place}.{name}: not known" for name in sorted(body.keys() - _MEMBERS[kind])]
    if kind in REVOCATIONS:
        found += _until(place, body.get("until_unix_s"), unix_s)
    return found + _CHECKS[kind](place, key, body)


def for_engines(kind: Kind, body: Json) -> object:
    """What of a record stands in the data document."""
    if kind is Kind.DATASET:
        needed = {name: body[name] for name in ("created_unix_s", "consent_scopes")}
        return needed | {"parents": body.get("parents", [])}
    if kind is Kind.MODEL:
        return {name: value for name, value in body.items() if name not in _FOR_PEOPLE}
    return body["means"] if kind is Kind.GROUP_MEAN else 1


def parents(body: Json) -> list[str]:
    """Of a data set."""
    return list(dict.fromkeys(cast("list[str]", body.get("parents", []))))


def _dataset(place: str, key: str, body: Json) -> list[str]:
    found = check_entry("datasets", key, body)
    if "checksum" in body and not isinstance(body["checksum"], str):
        found.append(f"{place}.checksum: must be a string")
    if "source" in body and not isinstance(body["source"], str | dict):
        found.append(f"{place}.source: must be a string or an object")
    return found


def _model(place: str, key: str, body: Json, guards: Collection[str] | None) -> list[str]:
    facts = for_engines(Kind.MODEL, body)
    found = check_entry("models", key, facts, guards)
    try:
        read_facts(Answer({"models": {key: facts}}, ""))
    except FactsInvalid as invalid:
        found += [problem.removeprefix("facts: ") for problem in invalid.problems]
    if "owner" in body and not isinstance(body["owner"], str):
        found.append(f"{place}.owner: must be a string")
    if "means" in body:
        found += [f"{place}.{problem}" for problem in rule_problems(body["means"])]
    return found


def _group_mean(place: str, key: str, body: Json) -> list[str]:
    found = check_entry("group_mean", key, body.get("means"))
    if not isinstance(body.get("provenance", {}), dict):
        found.append(f"{place}.provenance: must be an object")
    return found


def _person(place: str, _key: str, body: Json) -> list[str]:
    return [] if isinstance(body.get("reason", ""), str) else [f"{place}.reason: must be a string"]


def _until(place: str, until: object, unix_s: float) -> list[str]:
    if isinstance(until, bool) or not isinstance(until, int | float):
        return [f"{place}.until_unix_s: must be a number"]
    return [] if until > unix_s else [f"{place}.until_unix_s: must lie ahead, or nothing would be revoked"]


_CHECKS: Mapping[Kind, Callable[[str, str, Json], list[str]]] = {
    Kind.DATASET: _dataset,
    Kind.GROUP_MEAN: _group_mean,
    Kind.REVOKED_TOKEN: _person,
    Kind.REVOKED_SUBJECT: _person,
    Kind.OBJECTION: _person,
}


def _shown(key: str) -> str:
    return repr(key[:80])
