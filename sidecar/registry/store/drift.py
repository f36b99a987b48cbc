"""Whether proposed group means may become active by themselves. Pure.

A model says how far means may move without anybody's word, in its body:

    "means": {"max_drift": 0.02, "min_n": 500}

`max_drift` is in the unit of the score, and counts from the means that are active now. A model without `means`, and
the first means of a model, wait for a person. A proposal is

    {"means": {"a": 0.51, "b": 0.48}, "evidence": {"groups": {"a": {"n": 812, …}, "b": {"n": 640, …}}, …}}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeGuard, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Members = Mapping[str, object]

ROUNDING_DIGITS = 12
"""0.52 - 0.50 is a little more than 0.02 in binary: a drift of exactly the limit is within it."""


def problems(body: Members, model: Members) -> list[str]:
    """Why nobody may activate a proposal for a model (its body), whoever they are; empty: one may."""
    return list(_problems(body, model))


def decide(body: Members, present: Mapping[str, float] | None, rule: Members | None) -> str | None:
    """Why a proposal waits for a person; None: it becomes active by itself.

    `present`: the means that are active, by group; `rule`: the model's `means`. `body` has no `problems`.
    """
    if rule is None:
        return "the model has no `means`, which would say how far they may move by themselves"
    if found := rule_problems(rule):
        return f"the model's `means` is not as it should be: {found[0]}"
    if not present:
        return "the model has no group means yet: the first ones are a person's word"
    return next(_beyond(body, present, rule), None)


def rule_problems(rule: object) -> list[str]:
    """What is wrong with a model's `means`; empty: nothing."""
    if not _is_members(rule):
        return ["means: must be an object"]
    found = [f"means.{name}: not known; only max_drift and min_n are" for name in sorted(set(rule) - _RULE.keys())]
    return found + [
        f"means.{name}: must be {what}" for name, (is_right, what) in _RULE.items() if not is_right(rule.get(name))
    ]


def _problems(body: Members, model: Members) -> Iterator[str]:
    for name in sorted(set(body) - {"means", "evidence"}):
        yield f"{name}: not known; a proposal has means and evidence"
    means, evidence = body.get("means"), body.get("evidence")
    if not _is_members(means) or not means:
        yield "means: must be an object with a mean for each group"
    else:
        yield from (f"means.{group}: must be a finite number" for group, mean in means.items() if not _is_number(mean))
        yield from _other_groups(means, model)
    if not _is_members(evidence) or not _is_members(evidence.get("groups")):
        yield "evidence.groups: must be an object that tells what each mean is made of"


def _other_groups(means: Members, model: Members) -> Iterator[str]:
    """A mean that is missing refuses every call of its group; one too many is of a group that nobody declared."""
    groups = model.get("groups")
    declared = [str(group) for group in cast("list[object]", groups)] if isinstance(groups, list) else []
    yield from (f"means.{group}: the model does not declare this group" for group in sorted(set(means) - set(declared)))
    yield from (f"means.{group}: missing, and the model declares it" for group in declared if group not in means)


def _beyond(body: Members, present: Mapping[str, float], rule: Members) -> Iterator[str]:
    """Each reason for which the rule does not cover the change."""
    means, max_drift, min_n = cast("Mapping[str, float]", body["means"]), rule["max_drift"], rule["min_n"]
    for group, mean in means.items():
        if group not in present:
            yield f"group {group} has no mean yet: its first one is a person's word"
            continue
        drift = round(abs(mean - present[group]), ROUNDING_DIGITS)
        if drift > cast("float", max_drift):
            yield f"group {group} moves by {drift:.6g}, from {present[group]:.6g} to {mean:.6g}; {max_drift} is allowed"
        n = _n(body, group)
        if n is None or n < cast("int", min_n):
            yield f"group {group} has {'no' if n is None else n} predictions behind it; {min_n} are needed"


def _n(body: Members, group: str) -> int | None:
    groups = cast("Members", cast("Members", body["evidence"])["groups"])
    told = groups.get(group)
    n = told.get("n") if _is_members(told) else None
    return n if _is_count(n) else None


def _is_members(value: object) -> TypeGuard[Members]:
    return isinstance(value, Mapping)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_drift(value: object) -> bool:
    return _is_number(value) and value >= 0


def _is_least(value: object) -> bool:
    return _is_count(value) and value >= 1


_RULE = {
    "max_drift": (_is_drift, "a number of 0 or more"),
    "min_n": (_is_least, "a whole number of 1 or more"),
}
