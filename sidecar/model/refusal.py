"""The one way in which code below the exchange says: this exchange ends here, for these reasons."""

from __future__ import annotations

from sidecar.model.reasons import Reason


class Refused(Exception):
    """Raised by framing, extraction, engines and upstream; turned into a response in `proxy.exchange` only.

    A policy's denial is a value (`Decision.allow` false), not this.
    `retry_after_s` and `allow` (methods) become the headers of those names.
    """

    def __init__(
        self,
        *reasons: Reason,
        retry_after_s: int | None = None,
        allow: tuple[str, ...] = (),
    ) -> None:
        super().__init__(", ".join(f"{reason.code}: {reason.message}" for reason in reasons))
        self.reasons = reasons
        self.retry_after_s = retry_after_s
        self.allow = allow


def refused(code: str, message: str, *, retry_after_s: int | None = None) -> Refused:
    """A `Refused` with the single reason that nearly every one has."""
    return Refused(Reason(code, message), retry_after_s=retry_after_s)
