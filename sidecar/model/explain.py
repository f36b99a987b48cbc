"""The call for an explanation that goes to the model server beside the request (contract 1, step 9)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExplainCall:
    """What the INTENT names of it. Its body and its header fields are the judged request's.

    `timeout_ms` counts from the call's own start.
    """

    path: str
    timeout_ms: int
    method: str = "POST"

    def as_json(self) -> dict[str, object]:
        """`explain` of the INTENT."""
        return {"method": self.method, "path": self.path, "timeout_ms": self.timeout_ms}
