"""What an auditor does with a log: verify it, tell the story of a decision, prove one, replay, export, forget.

Belongs here: batch work on a log that a sidecar writes or once wrote, on any machine, bounded in memory whatever the
log's size; nothing here writes under `ledger/`. Does not: writing a log (`ledger`, `audit`), sending it elsewhere
(`ship`), options and what is printed (`cli`). Imported by `cli`, and by notebooks:

    from sidecar.evidence import AuditLog
    log = AuditLog.open("audit")
    all(report.holds for report in log.verify())
"""

from sidecar.evidence.log import AuditLog

__all__ = ["AuditLog"]
