"""Modes beside counts."""

from __future__ import annotations

from sidecar.cli.policy.modes_table import Row, rows, table
from sidecar.evidence.would_deny import ModelCount, RuleCount, WouldDeny

COUNTS = WouldDeny(
    {
        "credit": ModelCount(1_000, {"fairness_band": RuleCount(0, 25), "staleness": RuleCount(3, 0)}),
        "gone": ModelCount(2, {"consent": RuleCount(1, 0)}),
    }
)


def test_a_rule_is_told_where_a_sidecar_names_it_or_it_failed() -> None:
    one = {"credit": {"staleness": "enforce", "fairness_band": "shadow"}, "quiet": {"consent": "off"}}
    other = {"credit": {"staleness": "shadow", "fairness_band": "shadow"}}
    assert rows([one, other], COUNTS) == [
        Row("credit", "fairness_band", {"shadow": 2}, 1_000, 25, 0),
        Row("credit", "staleness", {"enforce": 1, "shadow": 1}, 1_000, 0, 3),
        Row("gone", "consent", {"unknown": 1}, 2, 0, 1),
        Row("quiet", "consent", {"off": 1}, 0, 0, 0),
    ]


def test_people_see_a_table() -> None:
    found = [
        Row("credit", "fairness_band", {"shadow": 2}, 1_000, 25, 0),
        Row("credit\x1b[2J", "staleness", {"enforce": 2, "shadow": 1}, 1_000, 0, 3),
        Row("quiet", "consent", {"off": 1}, 0, 0, 0),
    ]
    assert table(found).splitlines() == [
        "model          rule           mode                     judged  would deny   rate  refused",
        "credit         fairness_band  shadow                    1,000          25  2.50%        0",
        r"credit\x1b[2J  staleness      enforce (2), shadow (1)   1,000           0  0.00%        3",
        "quiet          consent        off                           0           0      -        0",
    ]


def test_machines_get_whole_values() -> None:
    assert Row("credit", "staleness", {"enforce": 1}, 8, 1, 2).as_json() == {
        "model": "credit",
        "rule": "staleness",
        "modes": {"enforce": 1},
        "judged": 8,
        "would_deny": 1,
        "would_deny_rate": 0.125,
        "refused": 2,
    }
    assert Row("credit", "staleness", {}, 0, 0, 0).as_json()["would_deny_rate"] is None
