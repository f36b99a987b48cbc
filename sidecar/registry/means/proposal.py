"""A proposal of group means: the means, and all that another person needs to come to the same ones. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sidecar
from sidecar.registry.means.figures import LEVEL, QUERY_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.registry.means.figures import Figures
    from sidecar.registry.means.predictions import Wanted
    from sidecar.registry.means.verified import VerifiedLog
    from sidecar.registry.values import Json

MADE_BY = "sidecar registry refresh-means"


def too_few(figures: Figures, min_n: int) -> list[str]:
    """A line for each group that has fewer predictions than a mean should be made of."""
    counts = {group: one.n for group, one in figures.groups.items()} | figures.few
    return [
        f"group {group} has {n:,} released predictions with a score; {min_n:,} are needed"
        for group, n in counts.items()
        if n < min_n
    ]


def proposal(figures: Figures, wanted: Wanted, logs: Sequence[VerifiedLog]) -> Json:
    """The body that `drift` judges: see there. No group is in `few`."""
    span = wanted.span
    return {
        "means": {group: one.mean for group, one in figures.groups.items()},
        "evidence": {
            "made_by": MADE_BY,
            "version": sidecar.__version__,
            "query": QUERY_VERSION,
            "model": wanted.model,
            "window": {"since": _moment(span.since_unix_ns), "until": _moment(span.until_unix_ns)},
            "logs": [log.as_json() for log in logs],
            "groups": {group: one.as_json() for group, one in figures.groups.items()},
            "interval": {"level": LEVEL, "method": "normal"},
            "left_out": figures.left_out(),
        },
    }


def _moment(unix_ns: int | None) -> str | None:
    """As the command line takes it, to the microsecond."""
    if unix_ns is None:
        return None
    seconds, rest_ns = divmod(unix_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ns // 1_000).isoformat()
