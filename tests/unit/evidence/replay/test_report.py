from __future__ import annotations

from sidecar.evidence.replay.compare import Change, Difference
from sidecar.evidence.replay.report import (
    DIFFERENCES_LIMIT,
    EXAMPLES,
    GROUPS_LIMIT,
    OTHER,
    Changed,
    NotReplayed,
    Tally,
)
from sidecar.evidence.replay.rows import MEANINGS, Place, Skipped, Undecided, Why

LOG = "ab" * 16


def place(number: int, group: str = "a") -> Place:
    return Place(LOG, number, f"d{number}", "request", "credit", group)


def differs(change: Change, number: int, *rules: str, group: str = "a") -> Difference:
    return Difference(change, place(number, group), rules, {"allow": True}, {"allow": False})


def small() -> Tally:
    tally = Tally()
    tally.records = 8
    tally.replayed("opa", differs(Change.ALLOW_TO_DENY, 1, "staleness"))
    tally.replayed("opa", differs(Change.DENY_TO_ALLOW, 2, "consent", "staleness", group="b"))
    tally.replayed("opa", differs(Change.ALLOW_TO_DENY, 3, "staleness"))
    tally.replayed("embedded", None)
    tally.skipped(Skipped(place(5), Why.POLICY_NOT_KEPT, "policy x"))
    tally.skipped(Skipped(Place(LOG, 6), Why.SUMMARISED))
    tally.undecided(Undecided("EVENT"))
    tally.undecided(Undecided("EVENT"))
    return tally


def test_totals_add_up_and_the_gravest_changes_come_first() -> None:
    report = small().report("r2")
    assert report.records == report.replayed + report.not_replayed + sum(report.undecided.values())
    assert (report.same, report.differences, report.not_replayed) == (1, 3, 2)
    assert report.undecided == {"EVENT": 2}
    assert report.engines == {"embedded": 1, "opa": 3}
    assert report.changed == (
        Changed(Change.DENY_TO_ALLOW, "consent, staleness", "credit", "b", 1, ("d2",)),
        Changed(Change.ALLOW_TO_DENY, "staleness", "credit", "a", 2, ("d1", "d3")),
    )
    assert [one.place.decision_id for one in report.listed] == ["d2", "d1", "d3"]
    assert report.obstacles == (
        NotReplayed(Why.POLICY_NOT_KEPT, "policy x", 1, ("d5",)),
        NotReplayed(Why.SUMMARISED, "", 1, ()),
    )
    assert report.count(Change.ALLOW_TO_DENY) == 2
    assert not report.is_clean


def test_for_machines() -> None:
    found = small().report(None).as_json()
    assert found.pop("differences")[0]["decision_id"] == "d2"
    assert found.pop("changed")[0] == {
        "change": "deny_to_allow",
        "rule": "consent, staleness",
        "model": "credit",
        "group": "b",
        "count": 1,
        "examples": ["d2"],
    }
    assert found.pop("obstacles")[0] == {
        "why": "policy_not_kept",
        "meaning": MEANINGS[Why.POLICY_NOT_KEPT],
        "detail": "policy x",
        "count": 1,
        "examples": ["d5"],
    }
    kinds = {"reasons": 0, "obligations": 0, "shadow": 0, "messages": 0}
    assert found == {
        "policy": "recorded",
        "against": "recorded",
        "records": 8,
        "replayed": 4,
        "same": 1,
        "different": {"total": 3, "deny_to_allow": 1, "allow_to_deny": 2, **kinds},
        "not_replayed": 2,
        "undecided": {"EVENT": 2},
        "engines": {"embedded": 1, "opa": 3},
        "differences_not_listed": 0,
    }


def test_no_difference_is_clean_unless_nothing_was_replayed() -> None:
    assert not Tally().report(None).is_clean
    hindered = Tally()
    hindered.skipped(Skipped(place(1), Why.POLICY_NOT_KEPT))
    assert not hindered.report(None).is_clean
    hindered.replayed("opa", None)
    assert hindered.report(None).is_clean


def test_a_report_is_bounded_and_counts_all() -> None:
    tally = Tally()
    for number in range(DIFFERENCES_LIMIT + 5):
        tally.replayed("opa", differs(Change.SHADOW, number, "fairness_band", group=str(number)))
        tally.skipped(Skipped(place(number), Why.POLICY_NOT_KEPT, f"policy {number}"))
    tally.replayed("opa", differs(Change.DENY_TO_ALLOW, 9_999, "consent"))
    report = tally.report(None)
    assert (report.differences, report.not_replayed) == (DIFFERENCES_LIMIT + 6, DIFFERENCES_LIMIT + 5)
    assert len(report.listed) == DIFFERENCES_LIMIT + 1  # of each kind so many: the gravest are never crowded out
    assert report.as_json()["differences_not_listed"] == 5
    assert len(report.changed) == GROUPS_LIMIT + 2
    assert Changed(Change.SHADOW, OTHER, OTHER, OTHER, 5, ("d1000", "d1001", "d1002")) in report.changed
    assert NotReplayed(Why.POLICY_NOT_KEPT, OTHER, 5, ("d1000", "d1001", "d1002")) in report.obstacles
    assert max(len(row.examples) for row in report.changed) == EXAMPLES
