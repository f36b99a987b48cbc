"""The policy input of each phase, from what the exchange has found (contract 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.model.question import API, Question, ask

if TYPE_CHECKING:
    from collections.abc import Collection

    from sidecar.fairness.window import WindowSnapshot
    from sidecar.model.attributes import Attributes
    from sidecar.model.consent import ConsentFact
    from sidecar.model.message import Request
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Call


def request_question(
    request: Request,
    call: Call,
    attributes: Attributes,
    consent: ConsentFact,
    *,
    listed_headers: Collection[bytes],
    unix_s: float,
) -> Question:
    """The request phase's input. Only headers that the settings list are shown."""
    shape: dict[str, object] = {
        "api": API,
        "phase": "request",
        "source": {"address": request.source_address, "identity": None},
        "endpoint": call.endpoint.as_input(),
        "request": {"method": request.method, "headers": _listed(request, listed_headers)},
        "attributes": attributes.as_input(),
        "consent": consent.as_input(),
        "instances": call.instances,
    }
    return ask(shape, unix_s, consent.expires_unix_s)


def response_question(asked: Question, prediction: Prediction, window: WindowSnapshot, *, unix_s: float) -> Question:
    """The response phase's input: all of the request's, and what the model answered."""
    shape = {
        **asked.shape,
        "phase": "response",
        "prediction": prediction.as_input(),
        "window": window.as_input(),
    }
    return ask(shape, unix_s)


def _listed(request: Request, listed: Collection[bytes]) -> dict[str, list[str]]:
    if not listed:
        return {}
    shown: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name in listed:
            shown.setdefault(name.decode("ascii"), []).append(value.decode("latin-1"))
    return shown
