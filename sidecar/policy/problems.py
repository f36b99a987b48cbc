"""What stands in the way of an activation, all of it at once."""

from __future__ import annotations


class PolicyProblems(Exception):
    """A policy that cannot be activated. `problems`: one line each, for an operator's eyes only."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
