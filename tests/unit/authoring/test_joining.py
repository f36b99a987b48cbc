from __future__ import annotations

from dataclasses import replace

from sidecar.authoring.joining import joined
from sidecar.evidence.replay import Change, Changed, Difference, NotReplayed, Place, Report, Why


def row(change: Change, count: int, *examples: str, group: str = "a") -> Changed:
    return Changed(change, "staleness", "credit", group, count, examples)


def difference(change: Change, sequence: int) -> Difference:
    place = Place("ab", sequence, f"{sequence:032x}", "request", "credit", "a")
    return Difference(change, place, ("staleness",), {}, {})


ONE = Report(
    "r7",
    *(100, 90, 4, 2),
    undecided={"EVENT": 4},
    engines={"opa": 94},
    changed=(row(Change.DENY_TO_ALLOW, 3, "1", "2"), row(Change.ALLOW_TO_DENY, 1, "3")),
    listed=(difference(Change.DENY_TO_ALLOW, 1), difference(Change.ALLOW_TO_DENY, 3)),
    obstacles=(NotReplayed(Why.BY_SIDECAR, "model_throttled", 2, ("4",)),),
)
OTHER = Report(
    "r7",
    *(50, 40, 7, 1),
    undecided={"EVENT": 1, "OUTCOME": 1},
    engines={"embedded": 47},
    changed=(row(Change.DENY_TO_ALLOW, 5, "7", "8"), row(Change.DENY_TO_ALLOW, 2, "9", group="b")),
    listed=(difference(Change.DENY_TO_ALLOW, 7),),
    obstacles=(NotReplayed(Why.BY_SIDECAR, "model_throttled", 1, ("6",)),),
)


def test_one_is_itself() -> None:
    assert joined([ONE]) == ONE


def test_what_they_were_compared_with_stays() -> None:
    one, other = (replace(report, base="r6") for report in (ONE, OTHER))
    assert joined([one, other]) == replace(joined([ONE, OTHER]), base="r6")


def test_two_are_their_sums_row_by_row() -> None:
    assert joined([ONE, OTHER]) == Report(
        "r7",
        *(150, 130, 11, 3),
        undecided={"EVENT": 5, "OUTCOME": 1},
        engines={"embedded": 47, "opa": 94},
        changed=(
            row(Change.DENY_TO_ALLOW, 8, "1", "2", "7"),
            row(Change.DENY_TO_ALLOW, 2, "9", group="b"),
            row(Change.ALLOW_TO_DENY, 1, "3"),
        ),
        listed=(
            difference(Change.DENY_TO_ALLOW, 1),
            difference(Change.DENY_TO_ALLOW, 7),
            difference(Change.ALLOW_TO_DENY, 3),
        ),
        obstacles=(NotReplayed(Why.BY_SIDECAR, "model_throttled", 3, ("4", "6")),),
    )
