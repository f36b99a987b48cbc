from __future__ import annotations

from sidecar.model.budget import Budget


def test_a_budget_is_checked_by_who_takes_more_and_only_counted_by_who_passes_on() -> None:
    budget = Budget(10)
    assert budget.fits(10)
    budget.hold(6)
    assert (budget.fits(4), budget.fits(5)) == (True, False)
    budget.hold(7)
    assert (budget.held, budget.fits(0)) == (13, False)
    budget.release(13)
    assert (budget.held, budget.fits(10)) == (0, True)
