"""Why the sidecar does not start: everything at once, each with its remedy."""

from __future__ import annotations


class StartProblems(Exception):
    """Bad settings, policy, data or keys: what an operator must mend before it can serve. Exit code 2."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
