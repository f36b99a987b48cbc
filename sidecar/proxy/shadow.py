"""What `--mode shadow` lets pass, and what it still refuses: contract 6, "Shadow"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sidecar.model.reasons import Reason

ALWAYS_REFUSED = frozenset(
    {
        # "framing, unknown endpoint, management, method, size and overload are still refused"
        "http_malformed",
        "header_forbidden",
        "headers_too_large",
        "request_timeout",
        "request_aborted",
        "endpoint_unknown",
        "management_forbidden",
        "method_not_allowed",
        "body_too_large",
        "instances_too_many",
        "response_too_large",
        "overloaded",
        "shutting_down",
        "sidecar_failed",
        # "follows the delivery setting", which this version knows as `required` only
        "audit_unavailable",
        # nothing came that could be passed on
        "upstream_unreachable",
        "upstream_malformed",
        "upstream_timeout",
    }
)


def must_refuse(mode: str, reasons: Iterable[Reason]) -> bool:
    """Whether these reasons end the exchange; if not, they are a would-deny: counted and recorded."""
    return mode != "shadow" or any(reason.code in ALWAYS_REFUSED for reason in reasons)
