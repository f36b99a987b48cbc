"""What is accepted as the policy's data: contract 5, and every problem listed at once.

Rules fail closed on whatever is missing or of a wrong type; this tells an operator beforehand. Limits are
looked at here, what the sidecar itself reads of a model (`read`, `batch`) in `facts.py`, and those lists of people
that can be long in `data_registers.py`.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, TypeGuard, cast

from sidecar.model.facts import GROUPS_LIMIT, UNKNOWN_GROUP
from sidecar.policy.data_registers import Json, is_object, register_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

DATA_KEYS = frozenset({"models", "datasets", "group_mean", "revocations", "objections"})
"""The only top-level keys: any other could replace a decision, or stand in for a guard that was deleted."""

MODES = ("enforce", "shadow", "off")
ACTIONS = ("deny", "flag_review", "throttle", "fallback")
PROBLEM_LIMIT = 200
"""Problems listed at once: a document of a million wrong entries has the same problem a million times."""


def check_data(document: object, guards: Iterable[str] | None = None) -> list[str]:
    """Every problem of a data document, one line each, at most `PROBLEM_LIMIT`; empty for a good one.

    `guards`: the names that `rules` may use, where they are known (`Composition.guards`).
    """
    if not is_object(document):
        return ["data: must be an object"]
    names = None if guards is None else frozenset(guards)
    problems: list[str] = []
    for problem in _problems(document, names):
        problems.append(problem)
        if len(problems) == PROBLEM_LIMIT:
            problems.append("data: more problems are not listed")
            break
    return problems


def check_entry(part: str, key: str, value: object, guards: Collection[str] | None = None) -> list[str]:
    """The same of one entry of `models`, `datasets` or `group_mean`."""
    names = None if guards is None else frozenset(guards)
    return list(islice(_ENTRIES[part](f"{part}.{key}", value, names), PROBLEM_LIMIT))


def check_fallbacks(document: object, computing: Collection[str]) -> list[str]:
    """A line for each mitigation that counts on a guard which computes no fallback: it would refuse."""
    if not is_object(document):
        return []
    return [
        f"models.{name}.mitigation.{guard}: {by} computes no fallback; give outputs, or in `by` a guard that does"
        for name, facts in _entries(document, "models")
        for guard, by in _computed(facts)
        if by not in computing
    ]


def _computed(facts: object) -> Iterator[tuple[str, object]]:
    mitigations = facts.get("mitigation") if is_object(facts) else None
    for guard, mitigation in mitigations.items() if is_object(mitigations) else ():
        if is_object(mitigation) and mitigation.get("action") == "fallback" and "outputs" not in mitigation:
            yield guard, mitigation.get("by", guard)


def _problems(document: Json, guards: frozenset[str] | None) -> Iterator[str]:
    for key in sorted(set(document) - DATA_KEYS):
        yield f"{key}: not accepted as data; only {', '.join(sorted(DATA_KEYS))} are"
    for part, check in _ENTRIES.items():
        for name, value in _entries(document, part):
            yield from check(f"{part}.{name}", value, guards)
    yield from register_problems(document)
    for key in _ENTRIES:
        if not is_object(document.get(key, {})):
            yield f"{key}: must be an object"


def _entries(document: Json, key: str) -> Iterator[tuple[str, object]]:
    value = document.get(key)
    return iter(value.items()) if is_object(value) else iter(())


def _model(path: str, facts: object, guards: frozenset[str] | None) -> Iterator[str]:
    if not is_object(facts):
        yield f"{path}: must be an object"
        return
    for key, (is_right, what) in _LIMITS.items():
        if key in facts and not is_right(facts[key]):
            yield f"{path}.{key}: must be {what}"
    rules, mitigation = facts.get("rules", {}), facts.get("mitigation", {})
    yield from _rules(f"{path}.rules", rules, guards)
    yield from _mitigations(f"{path}.mitigation", mitigation, guards)
    read = facts.get("read", {})
    if not is_object(read):
        yield f"{path}.read: must be an object"
    else:
        yield from _bands(path, facts, read, rules if is_object(rules) else {})


def _rules(path: str, rules: object, guards: frozenset[str] | None) -> Iterator[str]:
    if not is_object(rules):
        yield f"{path}: must be an object"
        return
    for name, mode in rules.items():
        if guards is not None and name not in guards:
            yield f"{path}.{name}: no guard has this name"
        if mode not in MODES:
            yield f"{path}.{name}: must be one of {', '.join(MODES)}; anything else enforces"


def _mitigations(path: str, mitigations: object, guards: frozenset[str] | None) -> Iterator[str]:
    if not is_object(mitigations):
        yield f"{path}: must be an object"
        return
    for name, mitigation in mitigations.items():
        if guards is not None and name not in guards:
            yield f"{path}.{name}: no guard has this name"
        if not is_object(mitigation) or mitigation.get("action") not in ACTIONS:
            yield f"{path}.{name}.action: must be one of {', '.join(ACTIONS)}; anything else denies"
        elif mitigation["action"] == "throttle" and not all(
            _is_positive(mitigation.get(key)) for key in ("rate_per_s", "hold_s")
        ):
            yield f"{path}.{name}: throttle needs rate_per_s and hold_s, both positive numbers"
        elif mitigation["action"] == "fallback":
            yield from _fallback(f"{path}.{name}", mitigation, guards)


def _fallback(path: str, mitigation: Json, guards: frozenset[str] | None) -> Iterator[str]:
    """Its outputs stand here, or a guard computes them: the one named by `by`, or else the one that failed."""
    if "outputs" in mitigation:
        if "by" in mitigation:
            yield f"{path}: fallback takes outputs or by, not both"
        elif not isinstance(mitigation["outputs"], list) or mitigation["outputs"] == []:
            yield f"{path}.outputs: must be a list that is not empty"
    elif "by" in mitigation:
        by = mitigation["by"]
        if not isinstance(by, str) or (guards is not None and by not in guards):
            yield f"{path}.by: must be the name of a guard"


def _bands(path: str, facts: Json, read: Json, rules: Json) -> Iterator[str]:
    """What the fairness guards need, unless they are off (contract 5)."""
    group = read.get("group")
    by_header = isinstance(group, str) and group.lower().startswith("header:")
    if facts.get("unknown_group") == "skip_band" and by_header:
        yield f"{path}.unknown_group: skip_band is refused where callers name their own group"
    groups, compares = facts.get("groups"), rules.get("disparate_impact") != "off"
    if _is_groups(groups) and len(set(groups)) < (2 if compares else 1):
        what = "two, for disparate_impact compares them" if compares else "one"
        yield f"{path}.groups: must name at least {what}"
    yield from _needed(path, facts, rules, _NEEDS)
    yield from _needed(f"{path}.read", {key: value for key, value in read.items() if value is not None}, rules, _READS)


def _needed(path: str, given: Json, rules: Json, needs: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for key, guards in needs.items():
        needing = [guard for guard in guards if rules.get(guard) != "off"]
        if needing and key not in given:
            verb = "needs" if len(needing) == 1 else "need"
            first, last = ", ".join(needing[:-1]), needing[-1]
            yield f"{path}.{key}: missing, and {f'{first} and ' if first else ''}{last} {verb} it"


def _dataset(path: str, facts: object, _guards: frozenset[str] | None) -> Iterator[str]:
    if not is_object(facts):
        yield f"{path}: must be an object"
        return
    if not _is_number(facts.get("created_unix_s")):
        yield f"{path}.created_unix_s: must be a number"
    if not _is_strings(facts.get("consent_scopes")):
        yield f"{path}.consent_scopes: must be a list of strings"
    if not _is_strings(facts.get("parents", [])):
        yield f"{path}.parents: must be a list of strings"


def _means(path: str, means: object, _guards: frozenset[str] | None) -> Iterator[str]:
    if not is_object(means):
        yield f"{path}: must be an object"
        return
    for group, mean in means.items():
        if not _is_number(mean):
            yield f"{path}.{group}: must be a number"


def _is_number(value: object) -> TypeGuard[float]:
    return not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    )


def _is_positive(value: object) -> bool:
    return _is_number(value) and value > 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_share(value: object) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_ratio(value: object) -> bool:
    return _is_number(value) and value >= 1


def _is_strings(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value))


def _is_groups(value: object) -> TypeGuard[list[str]]:
    return _is_strings(value) and len(value) <= GROUPS_LIMIT and UNKNOWN_GROUP not in value


_LIMITS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "max_age_days": (_is_positive, "a positive number"),
    "required_scopes": (_is_strings, "a list of strings"),
    "instances_per_token": (_is_count, "a whole number of at least 1"),
    "groups": (_is_groups, f"a list of at most {GROUPS_LIMIT} strings, none of them {UNKNOWN_GROUP}"),
    "unknown_group": (lambda value: value in ("deny", "skip_band"), "deny or skip_band"),
    "band": (_is_share, "a number from 0 to 1"),
    "disparate_impact_max": (_is_ratio, "a number of at least 1"),
}
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "max_age_days": ("staleness",),
    "required_scopes": ("consent",),
    "groups": ("fairness_band", "group_mean_band", "disparate_impact"),
    "band": ("fairness_band", "group_mean_band"),
    "disparate_impact_max": ("disparate_impact",),
}
"""Which limits the shipped guards read: one that is missing refuses every call."""
_READS: Mapping[str, tuple[str, ...]] = {
    "score": ("fairness_band", "group_mean_band"),
    "positive": ("disparate_impact",),
}
"""The same of what `read` must find."""
_ENTRIES: Mapping[str, Callable[[str, object, frozenset[str] | None], Iterator[str]]] = {
    "models": _model,
    "datasets": _dataset,
    "group_mean": _means,
}
"""What an entry of each part must be."""
