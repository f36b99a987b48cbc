"""How old a remote engine's bundles are, by OPA's status plugin (contract 3).

A bundle is as old as its last successful request, a 304 included, as long as it has no error; with one it is
as old as when it was last seen without, or else as its activation. Bundles that OPA loaded from disk
(`--bundle`) are not in the status and have no age.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import cast

from sidecar.policy.port import UNDEFINED
from sidecar.policy.problems import PolicyProblems

NOT_ENABLED = "OPA's status plugin is off, so the policy's age is unknown: set status.prometheus in its file"


class BundleAges:
    """What is known of each bundle. Before the first status the age is infinite: the unknown is not fresh."""

    def __init__(self) -> None:
        self._confirmed_unix_s: dict[str, float] | None = None

    def observe(self, status: object, now_unix_s: float) -> None:
        """Takes in an answer of `/v1/status`; raises `PolicyProblems`, unchanged, if it can't be read."""
        if status is UNDEFINED:
            raise PolicyProblems([NOT_ENABLED])
        bundles = cast("dict[str, object]", status).get("bundles", {}) if isinstance(status, dict) else None
        if not isinstance(bundles, dict):
            raise PolicyProblems(["OPA's status cannot be read: bundles is not an object"])
        known = self._confirmed_unix_s or {}
        self._confirmed_unix_s = {
            name: min(now_unix_s, _confirmed_unix_s(bundle, known.get(name)))
            for name, bundle in cast("dict[str, object]", bundles).items()
        }

    def age_s(self, now_unix_s: float) -> float | None:
        """Of the oldest bundle; None where none has an age."""
        if self._confirmed_unix_s is None:
            return math.inf
        if not self._confirmed_unix_s:
            return None
        return max(0.0, now_unix_s - min(self._confirmed_unix_s.values()))


def _confirmed_unix_s(bundle: object, before_unix_s: float | None) -> float:
    fields = cast("dict[str, object]", bundle) if isinstance(bundle, dict) else {}
    activated_unix_s = _unix_s(fields.get("last_successful_activation"))
    if activated_unix_s <= 0:  # Go's zero time: never
        return -math.inf
    if fields.get("code") or fields.get("errors"):
        return activated_unix_s if before_unix_s is None else max(before_unix_s, activated_unix_s)
    return _unix_s(fields.get("last_successful_request"))


def _unix_s(value: object) -> float:
    """RFC 3339, as Go writes it; whatever is none is as old as can be."""
    try:
        return datetime.fromisoformat(cast("str", value)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return -math.inf
