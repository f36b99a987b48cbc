"""What differs between a recorded decision, or a base's, and the one that the replay came to. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sidecar.evidence.replay.rows import Json, Place

_WORDS = ("message", "remedy")


class Change(enum.StrEnum):
    """Kinds of difference; the gravest first."""

    DENY_TO_ALLOW = "deny_to_allow"
    ALLOW_TO_DENY = "allow_to_deny"
    REASONS = "reasons"
    OBLIGATIONS = "obligations"
    SHADOW = "shadow"
    MESSAGES = "messages"


ORDER = {change: number for number, change in enumerate(Change)}


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that came out otherwise. `rules`: those whose word it is, or codes where no rule is named.

    `recorded` is the decision to compare with: the base's, in a replay that has one.
    """

    change: Change
    place: Place
    rules: tuple[str, ...]
    recorded: Json
    replayed: Json

    def as_json(self) -> Json:
        """For machines."""
        place = self.place
        return {
            "change": self.change.value,
            "decision_id": place.decision_id,
            "log": place.log,
            "sequence": place.sequence,
            "phase": place.phase,
            "model": place.model,
            "group": place.group,
            "rules": list(self.rules),
            "recorded": self.recorded,
            "replayed": self.replayed,
        }


def difference(place: Place, recorded: Json, replayed: Json, *, words: bool) -> Difference | None:
    """None where both say the same. `words`: whether the messages of refusals must be the same, too.

    Shadow reasons and obligations are compared without their words: a permit may come from the decision cache,
    and then tell of an age as it was up to 5 s before.
    """
    found = _change(recorded, replayed, words=words)
    if found is None:
        return None
    change, rules = found
    return Difference(change, place, tuple(sorted(rules)), recorded, replayed)


def _change(recorded: Json, replayed: Json, *, words: bool) -> tuple[Change, set[str]] | None:
    before, after = _said(recorded["reasons"]), _said(replayed["reasons"])
    if recorded["allow"] is not replayed["allow"]:
        change = Change.DENY_TO_ALLOW if replayed["allow"] else Change.ALLOW_TO_DENY
        return change, _rules(before | after)
    if before != after:
        return Change.REASONS, _rules(before ^ after)
    promised, promises = _obligations(recorded["obligations"]), _obligations(replayed["obligations"])
    if promised != promises:
        return Change.OBLIGATIONS, {rule for rule, _ in promised ^ promises}
    hinted, hints = _said(recorded["shadow"]), _said(replayed["shadow"])
    if hinted != hints:
        return Change.SHADOW, _rules(hinted ^ hints)
    if words and recorded["reasons"] != replayed["reasons"]:
        return Change.MESSAGES, _rules(before)
    return None


def _said(reasons: Iterable[Mapping[str, str]]) -> set[tuple[str, str]]:
    return {(reason.get("rule", ""), reason["code"]) for reason in reasons}


def _rules(said: set[tuple[str, str]]) -> set[str]:
    return {rule or code for rule, code in said}


def _obligations(obligations: Sequence[Mapping[str, Any]]) -> set[tuple[str, bytes]]:
    return {
        (str(one.get("rule") or one["type"]), orjson.dumps(_wordless(one), option=orjson.OPT_SORT_KEYS))
        for one in obligations
    }


def _wordless(obligation: Mapping[str, Any]) -> Json:
    if "reasons" not in obligation:
        return dict(obligation)
    reasons = [{name: reason[name] for name in reason if name not in _WORDS} for reason in obligation["reasons"]]
    return {**obligation, "reasons": reasons}
