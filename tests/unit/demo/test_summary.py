from __future__ import annotations

from sidecar.demo.applications import Application
from sidecar.demo.calls import GOOD, MISTAKES, Kind
from sidecar.demo.fairness import Fairness
from sidecar.demo.replay import Answer, Latency
from sidecar.demo.summary import Added, Findings, Group, Refusal, WouldDeny, summarise
from sidecar.demo.trail import Story, Trail

KINDS = {kind.told: kind for kind in MISTAKES}
OUT = (("fairness_band", "score_out_of_band"),)
MEANS = {"white": 0.9, "black": 0.8, "hispanic": 0.8}


def _answer(decision_id: str, kind: Kind, status: int, *codes: str, approved: bool = True) -> Answer:
    person = Application(1, "unused", (), approved=approved)
    return Answer(kind, person, status, decision_id, codes)


def _released(group: str, score: float, *, positive: bool, shadow: tuple[tuple[str, str], ...] = ()) -> Story:
    return Story(["INTENT", "OUTCOME"], 200, "released", (), shadow, group, score, positive)


ANSWERS = [
    _answer("1", GOOD, 200),
    _answer("2", GOOD, 200, approved=False),
    _answer("3", GOOD, 200),
    _answer("4", KINDS["no data version"], 400, "attribute_missing"),
    _answer("5", KINDS["data older than 30 days"], 403, "data_stale"),
    _answer("6", KINDS["no consent scope"], 400, "attribute_missing"),
]
TRAIL = Trail(
    {
        "1": _released("white", 0.99, positive=True),
        "2": _released("white", 0.51, positive=False, shadow=OUT),
        "3": _released("black", 1.0, positive=True, shadow=OUT + OUT),
        "4": Story(["REFUSAL"], 400, "refused", ("attribute_missing",)),
        "5": Story(["REFUSAL"], 403, "refused", ("data_stale",)),
        "6": Story(["REFUSAL"], 400, "refused", ("attribute_missing",)),
        "measured": _released("white", 0.1, positive=False, shadow=OUT),
    },
    summarised=0,
    records=12,
)
FAIRNESS = Fairness((), 3, 2, 1, 0.5, 1, 5, "fairness.png")
LATENCY = Latency(direct_ms=(1.0, 2.0), guarded_ms=(3.0, 5.0))


def _bins(**counts: int) -> tuple[int, ...]:
    return tuple(counts.get(f"bin_{number}", 0) for number in range(10))


def _summarised(answers: list[Answer], differences: tuple[str, ...] | list[str] = ()) -> Findings:
    return summarise(answers, TRAIL, LATENCY, policy_means=MEANS, fairness=FAIRNESS, differences=differences)


def test_findings() -> None:
    assert _summarised(ANSWERS, differences=["something"]) == Findings(
        sent=6,
        forwarded=3,
        refusals=(
            Refusal(("attribute_missing",), 400, 2, ("no data version", "no consent scope")),
            Refusal(("data_stale",), 403, 1, ("data older than 30 days",)),
        ),
        groups=(
            Group("white", 2, 0.75, 0.9, 0.5, 0.5, 1, _bins(bin_5=1, bin_9=1)),
            Group("black", 1, 1.0, 0.8, 1.0, 1.0, 1, _bins(bin_9=1)),
        ),
        would_deny=(WouldDeny("fairness_band", "score_out_of_band", 2),),
        fairness=FAIRNESS,
        latency=Added(2, 2.0, 2.0, 3.0, 3.0),
        records=12,
        example_id="5",
        differences=("something",),
    )


def test_json_has_the_sums_too() -> None:
    shape = _summarised(ANSWERS).as_json()
    assert (shape["sent"], shape["forwarded"], shape["refused"]) == (6, 3, 3)
    assert shape["fairness"]["before_throttle"] == 2


def test_the_example_is_any_refusal_where_no_data_was_stale() -> None:
    assert _summarised([ANSWERS[0], ANSWERS[3]]).example_id == "4"
    assert _summarised(ANSWERS[:1]).example_id == ""
