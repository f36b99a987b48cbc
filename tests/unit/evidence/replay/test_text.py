from __future__ import annotations

from sidecar.evidence.replay.compare import Change
from sidecar.evidence.replay.report import Tally
from sidecar.evidence.replay.text import TITLES, told
from tests.unit.evidence.replay.test_report import small


def test_a_person_reads_differences_obstacles_and_totals() -> None:
    assert told(small().report("r2")).split("\n") == [
        "denied then, allowed now: 1",
        "  rule                model   group  count  for example",
        "  consent, staleness  credit  b      1      d2",
        "",
        "allowed then, denied now: 2",
        "  rule       model   group  count  for example",
        "  staleness  credit  a      2      d1",
        "",
        "not replayed: 2",
        "  why                                                          what      count  for example",
        "  the policy that decided is not kept; give one with --policy  policy x  1      d5",
        "  refusals of a flood, counted and not recorded singly                   1",
        "",
        "8 records looked at, with policy r2:",
        "  4 decisions replayed (1 by embedded and 3 by opa)",
        "  3 of them different",
        "  2 decisions not replayed",
        "  2 records without a decision",
    ]


def test_of_an_empty_log() -> None:
    assert told(Tally().report(None)).startswith("0 records looked at, with the policies that decided:\n  0 decisions")


def test_the_base_is_named() -> None:
    assert "\n8 records looked at, with policy r2 against what policy r1 decides:\n" in told(small().report("r2", "r1"))
    assert small().report("r2", "r1").as_json()["against"] == "r1"


def test_every_change_has_a_title() -> None:
    assert TITLES.keys() == set(Change)
