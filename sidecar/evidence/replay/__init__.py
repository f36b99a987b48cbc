"""Replay: recorded policy inputs judged again, with the policy that decided or with a candidate.

Belongs here: reading decisions out of records, asking the production engines in the records' own time, comparing,
counting. Does not: keeping policies (`audit.policies`), how an engine works (`policy`), printing (`cli`). Nothing
here has an effect: no window is fed, no throttle armed, nothing recorded. Imported by `cli` and by notebooks:

    from pathlib import Path
    from sidecar.evidence.replay import candidate_of, replay
    report = replay(Path("audit"), candidate_of(Path("rego"), Path("candidate.json")))
    report.count(Change.DENY_TO_ALLOW)
"""

from sidecar.evidence.replay.compare import Change, Difference
from sidecar.evidence.replay.policies import candidate_of
from sidecar.evidence.replay.report import Changed, NotReplayed, Report
from sidecar.evidence.replay.rows import MEANINGS, Place, Why
from sidecar.evidence.replay.run import replay, replay_all
from sidecar.evidence.replay.source import Span, count_records

__all__ = [
    "MEANINGS",
    "Change",
    "Changed",
    "Difference",
    "NotReplayed",
    "Place",
    "Report",
    "Span",
    "Why",
    "candidate_of",
    "count_records",
    "replay",
    "replay_all",
]
