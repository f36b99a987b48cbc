"""Data of policy for modules where only requests are judged: what answers look like is not their matter."""

from __future__ import annotations

from tests.process import example_data

_JUDGES_ANSWERS = ("explanation", "fairness_band", "group_mean_band", "disparate_impact")

DATA = example_data(rules=dict.fromkeys(_JUDGES_ANSWERS, "off"), read={})
