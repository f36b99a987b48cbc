"""Governed attributes: what a request says about its data, consent and groups (contract 2)."""

from __future__ import annotations

import enum
from typing import NamedTuple

VALUE_LIMIT_BYTES = 256
"""Contract 2: a longer value is malformed."""


class Status(enum.StrEnum):
    """How the reading of one attribute went. `missing` is the rules' to judge; the sidecar refuses the rest."""

    PRESENT = "present"
    MISSING = "missing"
    CONFLICT = "conflict"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"


class Attribute(NamedTuple):
    """One attribute as it was found. `value` is a string, or for groups a list with one an instance."""

    status: Status
    value: str | tuple[str, ...] | None = None
    source: str | None = None

    def as_input(self) -> dict[str, object]:
        """The attribute in the policy input."""
        return {"value": self.value, "status": str(self.status), "source": self.source}


MISSING = Attribute(Status.MISSING)


class Attributes(NamedTuple):
    """All governed attributes of one request."""

    data_version: Attribute = MISSING
    consent_scope: Attribute = MISSING
    groups: Attribute = MISSING
    explanation_required: bool = False

    def as_input(self) -> dict[str, object]:
        """`attributes` of the policy input."""
        return {
            "data_version": self.data_version.as_input(),
            "consent_scope": self.consent_scope.as_input(),
            "groups": self.groups.as_input(),
            "explanation": {"required": self.explanation_required},
        }
