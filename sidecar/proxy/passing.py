"""Passing a stream on as it comes, under its request decision: nothing of it is held back, all of it is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.audit.records import Result
from sidecar.proxy.endings import stamped

if TYPE_CHECKING:
    import hmac

    from sidecar.model.message import Response
    from sidecar.proxy.case import Case
    from sidecar.proxy.client import Client
    from sidecar.proxy.upstream import Answering


async def pass_on(case: Case, answering: Answering, client: Client, digest: hmac.HMAC) -> Response:
    """Hands each part on and gives the head that the client got; however it ends, the case has what was passed."""
    case.begun = stamped(case, answering.head)
    await client.begin(case.begun)
    try:
        while part := await answering.part():
            digest.update(part)
            await client.part(part)
    finally:
        case.answer_digest = digest.hexdigest()
    case.result = Result.RELEASED
    return case.begun
