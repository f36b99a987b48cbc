"""Group means that were proposed: active by the model's own rule (`drift`), or by a named person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, insert, select, update

from sidecar.registry.store import bodies, drift, records
from sidecar.registry.store.tables import proposal
from sidecar.registry.values import Conflict, Invalid, Json, Kind, Missing, NotAllowed, Proposal, ProposalState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, RowMapping

    from sidecar.registry.store.writing import Writing

KIND = "proposal"
_NUMBER_LIMIT = 2**31 - 1


def of_model(connection: Connection, model: str, limit: int) -> list[Proposal]:
    """See `Registry.proposals`."""
    bodies.check_text(model)
    rows = select(proposal).where(proposal.c.model == model).order_by(proposal.c.id.desc()).limit(limit)
    return [_proposal(row) for row in connection.execute(rows).mappings()]


def propose(writing: Writing, model: str, body: Json) -> Proposal:
    """See `Registry.propose`."""
    about = _about(writing, model)
    made = _insert(writing, model, _checked(body, about))
    _supersede(writing, made)
    writing.note("proposed", KIND, str(made.id), None, _told(made))
    rule = cast("Json | None", about.get("means"))
    why = drift.decide(_body(made), _present(writing, model), rule)
    if why is None:
        return _activate(writing, made, "within the model's rule")
    return _decide(writing, made, ProposalState.OPEN, why)


def activate(writing: Writing, number: int) -> Proposal:
    """See `Registry.activate`."""
    found = _open(writing.connection, number)
    if not writing.by.is_person:
        raise NotAllowed(f"proposal {number} waits for a person's word: {found.why}")
    if writing.by.subject == found.proposed_by:
        raise NotAllowed(f"proposal {number} waits for the word of another person than {found.proposed_by}")
    _checked(_body(found), _about(writing, found.model))
    return _activate(writing, found, found.why)


def reject(writing: Writing, number: int, why: str) -> Proposal:
    """See `Registry.reject`."""
    bodies.check_text(why)
    return _close(writing, _open(writing.connection, number), ProposalState.REJECTED, why)


def _about(writing: Writing, model: str) -> Json:
    about = records.get(writing.connection, Kind.MODEL, model)
    if about is None:
        raise Missing(f"there is no model {model}")
    return about.body


def _checked(body: Json, about: Json) -> Json:
    try:
        body = bodies.stored(body)
    except (TypeError, ValueError) as error:
        raise Invalid(f"the proposal is no JSON: {error}") from None
    if problems := drift.problems(body, about):
        raise Invalid(*problems)
    return body


def _insert(writing: Writing, model: str, body: Json) -> Proposal:
    number = writing.connection.scalars(select(func.coalesce(func.max(proposal.c.id), 0) + 1)).one()
    row = {
        "id": number,
        "model": model,
        **body,
        "state": ProposalState.OPEN.value,
        "proposed_by": writing.by.subject,
        "proposed_unix_s": writing.unix_s,
        "why": "",
    }
    writing.connection.execute(insert(proposal), [row])
    return _open(writing.connection, number)


def _supersede(writing: Writing, by: Proposal) -> None:
    """One question at a time: of several open ones, a person could activate the oldest last."""
    older = (proposal.c.model == by.model) & (proposal.c.state == ProposalState.OPEN.value) & (proposal.c.id < by.id)
    for row in writing.connection.execute(select(proposal).where(older)).mappings().all():
        _close(writing, _proposal(row), ProposalState.REJECTED, f"proposal {by.id} takes its place")


def _activate(writing: Writing, found: Proposal, why: str) -> Proposal:
    provenance = {"proposal": found.id, "evidence": found.evidence, "proposed_by": found.proposed_by}
    body: Json = {"means": dict(found.means), "provenance": provenance | {"set_by": writing.by.subject}}
    records.load(writing, {Kind.GROUP_MEAN: [(found.model, body)]})
    return _close(writing, found, ProposalState.ACTIVE, why)


def _close(writing: Writing, found: Proposal, state: ProposalState, why: str) -> Proposal:
    decided = {"decided_by": writing.by.subject, "decided_unix_s": writing.unix_s}
    closed = _decide(writing, found, state, why, decided)
    writing.note("activated" if state is ProposalState.ACTIVE else "rejected", KIND, str(found.id), None, _told(closed))
    return closed


def _decide(
    writing: Writing, found: Proposal, state: ProposalState, why: str, decided: Mapping[str, object] | None = None
) -> Proposal:
    values = {"state": state.value, "why": why} | dict(decided or {})
    writing.connection.execute(update(proposal).where(proposal.c.id == found.id).values(values))
    return _at(writing.connection, found.id)


def _open(connection: Connection, number: int) -> Proposal:
    found = _at(connection, number)
    if found.state is not ProposalState.OPEN:
        raise Conflict(f"proposal {number} is {found.state} already, by {found.decided_by}")
    return found


def _at(connection: Connection, number: int) -> Proposal:
    rows = select(proposal).where(proposal.c.id == max(0, min(number, _NUMBER_LIMIT)))
    row = connection.execute(rows).mappings().one_or_none()
    if row is None:
        raise Missing(f"there is no proposal {number}")
    return _proposal(row)


def _present(writing: Writing, model: str) -> Mapping[str, float] | None:
    active = records.get(writing.connection, Kind.GROUP_MEAN, model)
    return None if active is None else cast("Mapping[str, float]", active.body["means"])


def _proposal(row: RowMapping) -> Proposal:
    fields: dict[str, Any] = {**row, "state": ProposalState(row["state"])}
    return Proposal(**fields)


def _body(found: Proposal) -> Json:
    return {"means": found.means, "evidence": found.evidence}


def _told(found: Proposal) -> Json:
    """Its line of history: the evidence is in the proposal, which is kept."""
    return {"model": found.model, "means": dict(found.means), "state": found.state.value, "why": found.why}
