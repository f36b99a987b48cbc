"""What the data path needs from outside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from sidecar.model.consent import ConsentFact
    from sidecar.model.decision import Decision
    from sidecar.model.facts import Facts
    from sidecar.model.message import Response
    from sidecar.model.question import Question
    from sidecar.policy.permit import Permit
    from sidecar.proxy.case import Case
    from sidecar.proxy.upstream import Answering, Mark


class PolicyPoint(Protocol):
    """The policy as the exchange needs it. Each method raises `Refused` with a `policy_*` reason."""

    @property
    def revision(self) -> str:
        """The revision last seen; empty before the first activation."""
        ...

    def snapshot(self) -> Facts:
        """The facts of all models at one revision."""
        ...

    async def refresh(self) -> None:
        """Learns the facts of the revision that the engine answers with now."""
        ...

    async def decide(self, question: Question, *, cacheable: bool) -> Decision:
        """One phase's decision."""
        ...


class ConsentPoint(Protocol):
    """Consent as the exchange needs it."""

    async def verify(self, tokens: Sequence[bytes]) -> ConsentFact:
        """What the values of all X-Consent-Token headers say; never raises for a bad token."""
        ...


class UpstreamPort(Protocol):
    """The model server: takes a permit, and nothing else names a request."""

    async def send(self, permit: Permit, mark: Mark, *, whole_stream: bool = False) -> Response:
        """The model server's whole answer; raises `Refused` with an `upstream_*` reason."""
        ...

    async def explain(self, permit: Permit, mark: Mark) -> Response:
        """What the model server answers to the explain call that the permit names; raises as `send`."""
        ...

    def stream(self, permit: Permit, mark: Mark) -> AbstractAsyncContextManager[Answering]:
        """An answer that is passed on as it comes; raises as `send`, also while it comes."""
        ...


class Observer(Protocol):
    """Told once of every exchange, at its end."""

    def finished(self, case: Case, status: int | None) -> None:
        """`status` is None where the client went away."""
        ...
