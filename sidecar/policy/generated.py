"""The text of the module that joins the guards.

Guards are referred to statically: iterating `data.guards[name]` costs an engine several times as much. A permit
is decided by conditions that stand in the decision itself, since each further rule costs an engine microseconds;
only where a guard fails are the rules below asked. The fixed half of the module lies in `composed.rego.in`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PHASES = ("request", "response")
SHIPPED_GUARDS: Mapping[str, tuple[str, ...]] = {
    "provenance": ("request",),
    "staleness": ("request",),
    "consent": ("request",),
    "fairness_band": ("response",),
    "group_mean_band": ("response",),
    "disparate_impact": ("response",),
    "explanation": ("response",),
}
"""Required of every model, whatever its rules name. Whichever is absent makes every decision `policy_malformed`."""

TTL_LIMIT_S = 5
"""How long a permit holds by itself at most (contract 4)."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard in one phase, and which optional rules it defines."""

    name: str
    phase: str
    explains: bool
    has_deadline: bool
    has_fallback: bool


def phases_of(guards: list[Guard]) -> dict[str, tuple[str, ...]]:
    """Name to phases, sorted."""
    phases: dict[str, tuple[str, ...]] = {}
    for guard in guards:
        phases[guard.name] = (*phases.get(guard.name, ()), guard.phase)
    return phases


def fallbacks_of(guards: list[Guard]) -> frozenset[str]:
    """Those that compute a decision in a prediction's place: only after the model there is anything to make it of."""
    return frozenset([guard.name for guard in guards if guard.has_fallback and guard.phase == "response"])


def closed(guards: list[Guard], absent: tuple[str, ...]) -> str:
    """The module for an incomplete set of guards: it refuses every request and says which guard is absent."""
    told = [(guard.partition(".")[0], f"the shipped guard {guard} is absent") for guard in absent]
    reasons = [_malformed(rule, message) for rule, message in told or [("sidecar", "the policy's files have problems")]]
    refusal = {"allow": False, "reasons": reasons, "shadow": [], "obligations": [], "ttl_s": 0}
    return _template("closed.rego.in").substitute(
        refusal=json.dumps(refusal), guards=_object(phases_of(guards)), absent=json.dumps(absent)
    )


def _malformed(rule: str, message: str) -> dict[str, str]:
    return {
        "code": "policy_malformed",
        "rule": rule,
        "message": message,
        "remedy": "Run `sidecar check` on the policy and its data.",
    }


def joined(guards: list[Guard]) -> str:
    """The module for a complete set of guards."""
    phases = phases_of(guards)
    sections = {
        "guards": _object(phases),
        "known": f"{{{json.dumps(sorted(phases))[1:-1]}}}",
        "by_phase": "\n\n".join([_by_phase(phase, _in(guards, phase)) for phase in PHASES]),
        "remaining": _remaining_s(_in(guards, "request")),
        "fallbacks": _fallbacks(sorted(fallbacks_of(guards))),
    }
    permits = {f"{phase}_permit": _permit(_in(guards, phase), sections["known"]) for phase in PHASES}
    deadline = _deadline(_in(guards, "request"))
    return _template("composed.rego.in").substitute(sections, **permits, deadline=deadline, ttl_limit=TTL_LIMIT_S)


def _in(guards: list[Guard], phase: str) -> list[Guard]:
    return [guard for guard in guards if guard.phase == phase]


def _permit(guards: list[Guard], known: str) -> str:
    """The conditions of a permit for which nothing needs to be gathered, cheapest first."""
    conditions = [
        "is_number(input.instances)",
        "input.instances >= 1",
        "floor(input.instances) == input.instances",
        "is_number(input.time.unix_s)",
        "models := data.models",
        "rules := models[input.endpoint.model].rules",
        "is_object(rules)",
        f"object.keys(rules) - {known} == set()",
        *[f"[1 | {_is_asked('rules', guard)}; not {_passes(guard)}] == []" for guard in guards],
    ]
    return _lines(conditions)


def _deadline(guards: list[Guard]) -> str:
    """No pass ends within 5 s, so that nothing need be computed: else the rules below find the least of what is left.

    A deadline that is undefined ends nothing. Only what comes before the model is kept, so nothing else needs this.
    """
    ending = [guard for guard in guards if guard.has_deadline]
    return _lines(
        [
            f"soon_unix_s := input.time.unix_s + {TTL_LIMIT_S}",
            *[f"[1 | {_is_asked('rules', guard)}; {_valid_until(guard)} < soon_unix_s] == []" for guard in ending],
        ]
    )


def _lines(conditions: list[str]) -> str:
    return "\n".join([f"\t{condition}" for condition in conditions])


def _by_phase(phase: str, guards: list[Guard]) -> str:
    """The rules that the fixed half asks where not all guards pass."""
    failing = [f'{{"{guard.name}" | {_is_asked("modes", guard)}; not {_passes(guard)}}}' for guard in guards]
    found = [_found(guard) for guard in guards if guard.explains]
    return "\n\n".join(
        [
            _rule(f"Guards failing in the {phase}", f"{phase}_failing", failing),
            _rule(f"Reasons found in the {phase}", f"{phase}_found", found),
        ]
    )


def _remaining_s(guards: list[Guard]) -> str:
    # Only a pass can end: the deadline of a guard that fails in shadow means nothing.
    remaining = [
        f"{{{_remaining(guard, _is_asked('modes', guard), _passes(guard))}}}" for guard in guards if guard.has_deadline
    ]
    return _rule("Seconds for which passes in the request hold", "request_remaining_s", remaining)


def _fallbacks(names: list[str]) -> str:
    """Each guard's own, under its name."""
    rules = [f'fallbacks["{name}"] := data.guards.{name}.response.fallback' for name in names]
    return "\n\n".join(rules) or "fallbacks := {}"


def _rule(title: str, name: str, sets: list[str]) -> str:
    lines = "".join([f"\t{members},\n" for members in sets])
    value = f"union({{\n{lines}}})" if sets else "set()"
    return f"# METADATA\n# title: {title}\n{name} := {value}"


def _is_asked(modes: str, guard: Guard) -> str:
    """A shipped guard that the model's rules do not name is enforced; another one binds nobody else.

    Without a mode neither comparison holds.
    """
    mode = f"{modes}.{guard.name}"
    return f'not {mode} == "off"' if guard.name in SHIPPED_GUARDS else f'{mode} != "off"'


def _passes(guard: Guard) -> str:
    return f"data.guards.{guard.name}.{guard.phase}.pass == true"


def _found(guard: Guard) -> str:
    violations = f"data.guards.{guard.name}.{guard.phase}.violation"
    return (
        "{"
        + _comprehension(
            f'reason_of("{guard.name}", violation)',
            f'"{guard.name}" in {guard.phase}_failing',
            f"some violation in {violations}",
        )
        + "}"
    )


def _remaining(guard: Guard, *conditions: str) -> str:
    return _comprehension(
        "left_s",
        *conditions,
        f"deadline := {_valid_until(guard)}",
        "is_number(deadline)",
        "left_s := deadline - input.time.unix_s",
    )


def _valid_until(guard: Guard) -> str:
    return f"data.guards.{guard.name}.{guard.phase}.valid_until_unix_s"


def _comprehension(head: str, *conditions: str) -> str:
    return f"{head} |\n" + "".join([f"\t\t{condition}\n" for condition in conditions]) + "\t"


def _object(phases: Mapping[str, tuple[str, ...]]) -> str:
    """As `opa fmt` writes it, one guard a line."""
    return "\n".join(["{", *[f'\t\t"{name}": {json.dumps(found)},' for name, found in phases.items()], "\t}"])


@cache
def _template(name: str) -> Template:
    return Template(files("sidecar.policy").joinpath(name).read_text(encoding="utf-8"))
