"""Records → rows: one policy input with the decision it got, or why a record cannot be replayed. Pure."""

from __future__ import annotations

import enum
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sidecar.audit.port import Kind
from sidecar.model.reasons import ReasonClass, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN_LIMIT = 65_536
"""INTENTs kept for the response decision to come: more than any sidecar has in flight at once."""
GROUP_LIMIT_CHARS = 64

Json = dict[str, Any]


class Why(enum.StrEnum):
    """Why a recorded decision is not replayed; `MEANINGS` says it to a person."""

    BEFORE_POLICY = "before_policy"
    BY_SIDECAR = "by_sidecar"
    ENGINE_FAILED_THEN = "engine_failed_then"
    ENGINE_FAILED_NOW = "engine_failed_now"
    SUMMARISED = "summarised"
    REDUCED = "reduced"
    NO_INTENT = "no_intent"
    POLICY_NOT_KEPT = "policy_not_kept"
    POLICY_DAMAGED = "policy_damaged"
    POLICY_NOT_ACCEPTED = "policy_not_accepted"
    SALT_DELETED = "salt_deleted"
    VALUE_NOT_RECORDED = "value_not_recorded"


MEANINGS = {
    Why.BEFORE_POLICY: "the sidecar refused or passed it before the policy was asked",
    Why.BY_SIDECAR: "the sidecar decided it, not the policy",
    Why.ENGINE_FAILED_THEN: "the policy engine gave no decision then",
    Why.ENGINE_FAILED_NOW: "the policy engine gave no decision now",
    Why.SUMMARISED: "refusals of a flood, counted and not recorded singly",
    Why.REDUCED: "the record was too large and holds no policy input",
    Why.NO_INTENT: "a response decision whose INTENT is not among the records looked at",
    Why.POLICY_NOT_KEPT: "the policy that decided is not kept; give one with --policy",
    Why.POLICY_DAMAGED: "the kept policy is not what decided",
    Why.POLICY_NOT_ACCEPTED: "the engine does not accept the policy any more",
    Why.SALT_DELETED: "the period's salt is not here (any more), and the policy reads what it hid",
    Why.VALUE_NOT_RECORDED: "the policy reads a value of which the record holds only a digest or a part",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a decision stands, and what it was about. `group` is `-` where the call named none."""

    log: str
    sequence: int
    decision_id: str | None = None
    phase: str | None = None
    model: str = "-"
    group: str = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One decision of the policy: `input` as recorded, pseudonyms under the salt of `period` (None: unknown)."""

    place: Place
    input: Json
    decision: Json
    revision: str
    engine: str | None
    period: str | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that holds a decision, and cannot be replayed."""

    place: Place
    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A record that holds no decision of anybody: an EVENT, or an OUTCOME whose response was not judged."""

    what: str


Found = Row | Skipped | Undecided


class Pairing:
    """Joins response decisions with their INTENTs' inputs; beyond `OPEN_LIMIT` the oldest INTENT is forgotten."""

    def __init__(self, open_limit: int = OPEN_LIMIT) -> None:
        self._open: OrderedDict[str, Json] = OrderedDict()
        self._limit = open_limit

    def take(self, shape: Json) -> Found:
        """What the log's next record (decoded) is to a replay. Raises KeyError for what is no record."""
        kind = shape["kind"]
        if kind == Kind.OUTCOME:
            return self._outcome(shape)
        if kind in (Kind.INTENT, Kind.REFUSAL):
            if kind == Kind.INTENT:
                self._remember(shape)
            return _opening(shape)
        if kind == Kind.REFUSAL_SUMMARY:
            return Skipped(_place(shape), Why.SUMMARISED)
        return Undecided(kind)

    def _remember(self, intent: Json) -> None:
        kept = {name: intent.get(name) for name in ("input", "engine", "salt")}
        self._open[intent["decision_id"]] = kept
        if len(self._open) > self._limit:
            self._open.popitem(last=False)

    def _outcome(self, shape: Json) -> Found:
        intent = self._open.pop(shape["decision_id"], None)
        asked: Json | None = intent["input"] if intent else None
        place = _place(shape, asked, "response")
        decision = cast("Json | None", shape["decision"])
        if decision is None:
            return Undecided("OUTCOME without a response decision")
        if shape.get("reduced"):
            return Skipped(place, Why.REDUCED)
        if not_policys := _not_policys(place, decision):
            return not_policys
        if intent is None:
            return Skipped(place, Why.NO_INTENT)
        answered = cast("Json | None", shape["input"])
        if asked is None or answered is None:
            return Skipped(place, Why.BEFORE_POLICY)
        whole = {**asked, **answered, "window": shape["window"]}
        return Row(place, whole, decision, shape["policy_revision"] or "", intent["engine"], intent["salt"])


def _opening(shape: Json) -> Found:
    asked = cast("Json | None", shape["input"])
    place = _place(shape, asked, "request")
    decision = cast("Json", shape["decision"])
    if shape.get("reduced"):
        return Skipped(place, Why.REDUCED)
    if asked is None:
        return Skipped(place, Why.BEFORE_POLICY, _codes(decision))
    if not_policys := _not_policys(place, decision):
        return not_policys
    return Row(place, asked, decision, shape["policy_revision"] or "", shape.get("engine"), shape.get("salt"))


def _not_policys(place: Place, decision: Json) -> Skipped | None:
    """A refusal that the policy did not word: the sidecar's own reasons name no rule."""
    own = [reason for reason in decision["reasons"] if "rule" not in reason]
    if not own:
        return None
    is_engines = all(_is_engines(reason["code"]) for reason in own)
    return Skipped(place, Why.ENGINE_FAILED_THEN if is_engines else Why.BY_SIDECAR, _codes(decision))


def _is_engines(code: str) -> bool:
    return kind_of(code).group is ReasonClass.ENGINE and code.startswith(("policy_", "revision_"))


def _codes(decision: Json) -> str:
    return ", ".join(sorted({reason["code"] for reason in decision["reasons"]}))


def _place(shape: Json, asked: Json | None = None, phase: str | None = None) -> Place:
    endpoint = cast("Json", (asked or shape).get("endpoint") or {})
    return Place(
        log=shape["log"],
        sequence=shape["sequence"],
        decision_id=shape.get("decision_id"),
        phase=phase,
        model=str(endpoint.get("model") or "-"),
        group=_group(asked or {}),
    )


def _group(asked: Mapping[str, Any]) -> str:
    groups: Any = asked.get("attributes", {}).get("groups", {}).get("value")
    named = cast("list[object]", groups) if isinstance(groups, list) else [groups] if groups else []
    return ",".join(sorted({str(group) for group in named}))[:GROUP_LIMIT_CHARS] or "-"
