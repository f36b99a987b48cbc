"""Refusals as responses: the only place where reasons become a status and a body (contract 6, RFC 9457)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from sidecar.model.message import Response
from sidecar.model.reasons import ReasonClass, in_order, leading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.model.reasons import Reason
    from sidecar.protocols.base import ServingProtocol

RETRY_AFTER_S = 1
"""What a 503 suggests unless its cause knows better."""

TYPE_PREFIX = "urn:model-policy-sidecar:reason:"


def problem(
    reasons: Sequence[Reason],
    decision_id: str,
    *,
    protocol: ServingProtocol | None = None,
    retry_after_s: int | None = None,
    allow: Sequence[str] = (),
) -> Response:
    """The response that refuses an exchange for `reasons` (at least one)."""
    ordered = in_order(reasons)
    kind = leading(ordered)
    detail = "; ".join(reason.message for reason in ordered)
    members: dict[str, object] = {
        "type": TYPE_PREFIX + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "decision_id": decision_id,
        "reasons": [_with_remedy(reason) for reason in ordered],
    }
    if protocol is not None:
        members |= protocol.refusal_members(detail)
    headers = [(b"content-type", b"application/problem+json")]
    if kind.status in (429, 503):
        headers.append((b"retry-after", str(retry_after_s or RETRY_AFTER_S).encode()))
    if kind.group is ReasonClass.TOKEN:
        headers.append((b"www-authenticate", _challenge(kind.code)))
    if allow:
        headers.append((b"allow", ", ".join(allow).encode()))
    return Response(kind.status, tuple(headers), orjson.dumps(members))


def _with_remedy(reason: Reason) -> dict[str, str]:
    return {"remedy": leading([reason]).remedy, **reason.as_json()}


def _challenge(code: str) -> bytes:
    """RFC 6750, section 3: no error code where no token came; the token's place is X-Consent-Token."""
    if code == "consent_missing":
        return b'Bearer realm="consent"'
    return b'Bearer realm="consent", error="invalid_token"'
