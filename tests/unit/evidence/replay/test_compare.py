from __future__ import annotations

from typing import Any

import pytest

from sidecar.evidence.replay.compare import Change, Difference, difference
from sidecar.evidence.replay.rows import Place

PLACE = Place("ab" * 16, 7, "d1", "request", "credit", "a")
STALE = {"code": "data_stale", "rule": "staleness", "message": "80 days old", "remedy": "Use younger data."}
REVOKED = {"code": "consent_revoked", "rule": "consent", "message": "revoked"}
UNDEFINED = {"code": "policy_undefined", "message": "no decision"}
BAND = {"code": "score_out_of_band", "rule": "fairness_band", "message": "1 of 1"}
REVIEW = {"type": "flag_review", "rule": "group_mean_band", "reasons": [BAND]}
THROTTLE = {"type": "throttle", "rule": "disparate_impact", "rate_per_s": 1, "hold_s": 300}


def allow(**parts: Any) -> dict[str, Any]:
    return {"allow": True, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 5.0} | parts


def deny(*reasons: dict[str, str], **parts: Any) -> dict[str, Any]:
    return allow(allow=False, reasons=list(reasons), ttl_s=0.0) | parts


def changed(
    recorded: dict[str, Any], replayed: dict[str, Any], *, words: bool = True
) -> tuple[Change, list[str]] | None:
    found = difference(PLACE, recorded, replayed, words=words)
    if found is None:
        return None
    assert found == Difference(found.change, PLACE, found.rules, recorded, replayed)
    return found.change, list(found.rules)


@pytest.mark.parametrize(
    ("recorded", "replayed", "expected"),
    [
        (deny(STALE, REVOKED), allow(), (Change.DENY_TO_ALLOW, ["consent", "staleness"])),
        (allow(), deny(STALE), (Change.ALLOW_TO_DENY, ["staleness"])),
        (allow(), deny(UNDEFINED), (Change.ALLOW_TO_DENY, ["policy_undefined"])),
        (deny(STALE), deny(STALE, REVOKED), (Change.REASONS, ["consent"])),
        (deny(STALE), deny(STALE | {"code": "data_in_future"}), (Change.REASONS, ["staleness"])),
        (allow(obligations=[REVIEW]), allow(), (Change.OBLIGATIONS, ["group_mean_band"])),
        (
            allow(obligations=[THROTTLE]),
            allow(obligations=[THROTTLE | {"hold_s": 600}]),
            (Change.OBLIGATIONS, ["disparate_impact"]),
        ),
        (allow(obligations=[{"type": "flag_review"}]), allow(), (Change.OBLIGATIONS, ["flag_review"])),
        (allow(shadow=[BAND]), allow(), (Change.SHADOW, ["fairness_band"])),
        (deny(STALE), deny(STALE | {"message": "81 days old"}), (Change.MESSAGES, ["staleness"])),
        (deny(STALE), deny(STALE | {"remedy": "Other words."}), (Change.MESSAGES, ["staleness"])),
    ],
)
def test_what_changed_and_by_whose_word(
    recorded: dict[str, Any], replayed: dict[str, Any], expected: tuple[Change, list[str]]
) -> None:
    assert changed(recorded, replayed) == expected


@pytest.mark.parametrize(
    ("recorded", "replayed"),
    [
        (allow(), allow()),
        (allow(ttl_s=5.0), allow(ttl_s=0.0)),
        (deny(STALE, REVOKED), deny(REVOKED, STALE)),
        (allow(shadow=[STALE]), allow(shadow=[STALE | {"message": "81 days old"}])),
        (
            allow(obligations=[REVIEW, THROTTLE]),
            allow(obligations=[THROTTLE, REVIEW | {"reasons": [BAND | {"message": "other", "remedy": "other"}]}]),
        ),
    ],
)
def test_what_is_no_difference_to_a_candidate(recorded: dict[str, Any], replayed: dict[str, Any]) -> None:
    assert changed(recorded, replayed, words=False) is None


def test_a_candidates_words_may_differ() -> None:
    assert changed(deny(STALE), deny(STALE | {"message": "credit allows 15"}), words=False) is None


def test_the_gravest_change_is_told() -> None:
    recorded = deny(STALE, shadow=[BAND], obligations=[REVIEW])
    assert changed(recorded, allow()) == (Change.DENY_TO_ALLOW, ["staleness"])


def test_for_machines() -> None:
    found = difference(PLACE, allow(), deny(STALE), words=False)
    assert found is not None
    assert found.as_json() == {
        "change": "allow_to_deny",
        "decision_id": "d1",
        "log": "ab" * 16,
        "sequence": 7,
        "phase": "request",
        "model": "credit",
        "group": "a",
        "rules": ["staleness"],
        "recorded": allow(),
        "replayed": deny(STALE),
    }
