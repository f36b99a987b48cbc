from __future__ import annotations

from dataclasses import replace

import orjson

from tests.unit.evidence.fairness.reports import MODEL, REPORT


def test_last_is_how_it_stood_at_the_end_and_proven_the_most_that_was_certain() -> None:
    assert MODEL.last == MODEL.points[-1]
    assert MODEL.proven == 1.6
    assert (replace(MODEL, points=()).last, replace(MODEL, points=()).proven) == (None, None)


def test_a_machine_gets_all_of_it() -> None:
    shape = orjson.loads(orjson.dumps(REPORT.as_json()))
    assert shape.keys() == {"models", "records", "unreadable", "left_out", "labels"}
    (model,) = shape["models"]
    assert model["groups"][0]["positive_rate"] == 0.9
    assert model["moments"][0] == {"what": "certain", "predictions": 60, "unix_s": 1_795_300_060.0}
    assert (len(model["points"]), model["points"][-1]["lower"]) == (100, None)
