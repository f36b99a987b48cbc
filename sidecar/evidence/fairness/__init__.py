"""What an auditor asks of fairness: the course of a model's disparity over a log, and its metrics by group.

The log's predictions go through the very window, test and metrics of `sidecar.fairness`, in virtual time.

Belongs here: reading labels, running a log through a window, the report and its plots. Does not: what a metric or a
test is (`fairness`), which records tell of a prediction (`fairness.rebuild`), options and exit codes (`cli`).
Imported by `cli`, `demo` and notebooks. Only `png` needs matplotlib (extra `plot`), and only when it is called:

    from sidecar.evidence.fairness import facts_of, fairness_report
    from sidecar.evidence.fairness.png import picture
    found = fairness_report(log.folders, facts_of(None, log.folders), WindowTerms())
    picture(found.models)
"""

from sidecar.evidence.fairness.facts import facts_of
from sidecar.evidence.fairness.labels import read_labels
from sidecar.evidence.fairness.run import fairness_report

__all__ = ["facts_of", "fairness_report", "read_labels"]
