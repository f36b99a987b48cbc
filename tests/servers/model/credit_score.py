"""The credit model that every real server of the testbed serves: a formula, so that tests know each score."""

from __future__ import annotations

import math

APPROVE_FROM = 0.5


def score(income: float, loan_amount: float) -> float:
    """Probability of repayment, 0 to 1. Both amounts in one currency; a loan of three incomes scores 0.5."""
    return 1 / (1 + math.exp(loan_amount / income - 3))


def label(score: float) -> str:
    """`approve` or `deny`."""
    return "approve" if score >= APPROVE_FROM else "deny"
