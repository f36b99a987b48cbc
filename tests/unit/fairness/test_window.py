from __future__ import annotations

from sidecar.fairness.window import NoWindow, Observation


def test_a_window_that_keeps_nothing_says_insufficient_data_whatever_it_saw() -> None:
    window = NoWindow()
    seen = Observation("d" * 32, "credit", None, 1.0, ("a",), (0.5,), (True,), released=True)
    window.observe(seen)
    assert window.snapshot("credit", None).as_input() == {
        "state": "insufficient_data",
        "span_s": 86_400,
        "groups": {},
        "disparate_impact": None,
    }
