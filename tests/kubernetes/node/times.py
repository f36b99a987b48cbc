"""Times as the API writes them."""

from __future__ import annotations

import datetime


def now_text() -> str:
    """As `metav1.Time`."""
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def now_micro_text() -> str:
    """As `metav1.MicroTime`, which Leases have."""
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
