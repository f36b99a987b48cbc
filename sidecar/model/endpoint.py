"""What a request asks for: contract 1, step 2."""

from __future__ import annotations

import enum
from typing import NamedTuple


class EndpointKind(enum.StrEnum):
    """The classes of endpoint; one that is in no table is unknown, and refused."""

    INFER = "infer"
    PROBE = "probe"
    METADATA = "metadata"
    MANAGEMENT = "management"


class Endpoint(NamedTuple):
    """One endpoint of one model server, as its protocol's table names it."""

    kind: EndpointKind
    protocol: str
    operation: str
    model: str | None = None
    version: str | None = None

    def as_input(self) -> dict[str, str | None]:
        """`endpoint` of the policy input and of the audit record."""
        return {
            "protocol": self.protocol,
            "operation": self.operation,
            "model": self.model,
            "version": self.version,
        }
