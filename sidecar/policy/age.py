"""How old a remote engine's bundles are, by OPA's status plugin (contract 3).

A bundle is as old as its last successful request, a 304 included, as long as it has no error; with one it is as old as
when it was last known to be current. A bundle that OPA loaded from its own disk was activated just now, and may be
of last month: its activation says nothing of its age. Bundles that were given as files (`--bundle`) are not in the
status and have no age.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.model.facts import BundleFacts

PROBLEM_LIMIT_CHARS = 500
"""Of one bundle: OPA tells each line of a policy that does not compile."""

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A bundle's revision, and when it was last known to be the current one."""

    revision: str
    unix_s: float


class BundleAges:
    """What is known of each bundle. Before the first status the age is infinite: the unknown is not fresh."""

    def __init__(self, known: Mapping[str, Confirmed] | None = None) -> None:
        """`known`: from before a restart, by the bundle's name."""
        self._known = dict(known or {})
        self._confirmed_unix_s: dict[str, float] | None = None
        self._problems: dict[str, str] = {}

    @property
    def known(self) -> Mapping[str, Confirmed]:
        """What should outlive a restart."""
        return self._known

    @property
    def problems(self) -> Mapping[str, str]:
        """What OPA says is wrong with the latest bundle of a name; the last good one goes on."""
        return self._problems

    def observe(self, status: object, bundles: Mapping[str, BundleFacts], now_unix_s: float) -> None:
        """Takes in an answer of `/v1/status`; raises `PolicyProblems`, unchanged, if it can't be read.

        `bundles`: what the active ones say of themselves.
        """
        told = cast("Json", status).get("bundles", {}) if isinstance(status, dict) else None
        if not isinstance(told, dict):
            raise PolicyProblems(["OPA's status cannot be read: bundles is not an object"])
        statuses = {name: _object(bundle) for name, bundle in cast("Json", told).items()}
        # OPA tells of no bundle before its first attempt to get one, also of those that it has from its disk.
        untold = {name: self._known[name] for name in bundles if name in self._known}
        found = {name: _confirmed(one, self._known.get(name), bundles.get(name)) for name, one in statuses.items()}
        found = {name: Confirmed(one.revision, min(now_unix_s, one.unix_s)) for name, one in found.items()}
        self._known |= {name: one for name, one in found.items() if one.unix_s > -math.inf}
        self._confirmed_unix_s = {name: one.unix_s for name, one in (untold | found).items()}
        self._problems = {name: text for name, one in statuses.items() if (text := _problem(one))}

    def ages_s(self, now_unix_s: float) -> dict[str, float]:
        """Of each bundle that has an age."""
        return {name: max(0.0, now_unix_s - unix_s) for name, unix_s in (self._confirmed_unix_s or {}).items()}

    def age_s(self, now_unix_s: float) -> float | None:
        """Of the oldest bundle; None where none has an age."""
        if self._confirmed_unix_s is None:
            return math.inf
        return max(self.ages_s(now_unix_s).values(), default=None)


def _confirmed(status: Json, before: Confirmed | None, bundle: BundleFacts | None) -> Confirmed:
    """When the active revision was last known to be the current one; -inf: never."""
    revision = str(status.get("active_revision", ""))
    if _unix_s(status, "last_successful_activation") <= 0:  # Go's zero time: never
        return Confirmed(revision, -math.inf)
    seen_unix_s = _seen_unix_s(status)
    if before is not None and before.revision == revision:
        return Confirmed(revision, max(before.unix_s, seen_unix_s))
    if seen_unix_s <= 0 and bundle is not None and bundle.revision == revision and bundle.created_unix_s is not None:
        return Confirmed(revision, bundle.created_unix_s)
    return Confirmed(revision, seen_unix_s)


def _seen_unix_s(status: Json) -> float:
    """By this run of OPA alone."""
    if not (status.get("code") or status.get("errors")):
        return _unix_s(status, "last_successful_request")
    # The latest attempt failed. What was got before and then activated was current when it was got; had the active
    # bundle come from the disk, which is before all requests, nothing would have been got before its activation.
    got_unix_s = _unix_s(status, "last_successful_download")
    return got_unix_s if got_unix_s <= _unix_s(status, "last_successful_activation") else -math.inf


def _problem(status: Json) -> str:
    if not (status.get("code") or status.get("errors")):
        return ""
    errors = status.get("errors")
    more = [str(_object(error).get("message", error)) for error in cast("list[object]", errors or [])]
    return "; ".join([str(status.get("message") or status.get("code")), *more])[:PROBLEM_LIMIT_CHARS]


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _unix_s(status: Json, name: str) -> float:
    """RFC 3339, as Go writes it; whatever is none, and Go's zero time, is as old as can be."""
    try:
        unix_s = datetime.fromisoformat(cast("str", status.get(name))).timestamp()
    except (TypeError, ValueError, OverflowError):
        return -math.inf
    return unix_s if unix_s > 0 else -math.inf
