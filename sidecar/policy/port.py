"""The engine port: what every policy engine does for the sidecar."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Undefined:
    """The type of `UNDEFINED`: the engine answered, and the rule has no value."""


UNDEFINED = Undefined()


class Answer(NamedTuple):
    """What an engine answered: a JSON value or `UNDEFINED`, under which revision."""

    value: object
    revision: str


class Engine(Protocol):
    """One activated policy. Without an answer both calls raise `Refused` with a `policy_*` reason.

    An answer is raw: `policy.verdict` turns it into a `Decision`.
    """

    @property
    def kind(self) -> str:
        """`opa` or `embedded`, as the audit record says it."""
        ...

    async def decide(self, input_json: bytes) -> Answer:
        """`data.sidecar.decision` for one policy input (a JSON object)."""
        ...

    async def facts(self) -> Answer:
        """`data.sidecar.facts`, which reads no input."""
        ...

    async def aclose(self) -> None:
        """Lets go of processes and sockets; the engine is not used afterwards."""
        ...
