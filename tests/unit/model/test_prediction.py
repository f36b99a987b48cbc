from __future__ import annotations

from sidecar.model.prediction import Prediction


def test_what_was_not_read_is_null() -> None:
    assert Prediction(200).as_input() == {
        "status": 200,
        "scores": None,
        "labels": None,
        "features": None,
        "explanation": None,
    }


def test_the_policy_sees_all_that_was_read() -> None:
    prediction = Prediction(200, (0.51, 0.2), ("approve", "deny"), {"income": [1, 2]}, [{"income": 0.3}])
    assert prediction.as_input() == {
        "status": 200,
        "scores": (0.51, 0.2),
        "labels": ("approve", "deny"),
        "features": {"income": [1, 2]},
        "explanation": [{"income": 0.3}],
    }
