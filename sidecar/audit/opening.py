"""The audit log of one worker slot, opened: what a crash left open is concluded first."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import orjson

from sidecar.audit.log import DurableLog
from sidecar.audit.recent import Recent
from sidecar.audit.records import Event, event, unknown_outcome
from sidecar.ledger.files import OsFiles
from sidecar.ledger.founding import LedgerRefused
from sidecar.ledger.layout import Layout
from sidecar.ledger.opening import open_ledger
from sidecar.ledger.reading import read_frame
from sidecar.ledger.segments import Damaged
from sidecar.model.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sidecar.audit.port import Record
    from sidecar.ledger.files import Files
    from sidecar.ledger.opening import Ledger, Terms
    from sidecar.model.clock import Clock


class AuditLogError(Exception):
    """The log cannot be opened: another process has it, it is damaged, or its disk is full. Says what to do."""


def open_log(
    slot_dir: Path, terms: Terms, clock: Clock, *, required: bool = True, files: Files | None = None
) -> DurableLog:
    """Opens or makes the log of one worker slot; `start` it then. Raises AuditLogError.

    Each INTENT that a crash left without an OUTCOME gets one with the result `unknown`; a new key is told in an EVENT.
    """
    layout = Layout(slot_dir)
    recent = Recent()
    try:
        ledger = open_ledger(files or OsFiles(layout.draft), layout, terms, clock, recent)
    except (LedgerRefused, Damaged, ValueError) as error:
        raise AuditLogError(str(error)) from error
    except OSError as error:
        remedy = "; make room on its disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise AuditLogError(f"the audit log in {slot_dir} cannot be opened: {error}{remedy}") from error
    log = DurableLog(ledger, layout, recent, clock, required=required)
    try:
        log.write([*_conclusions(layout, recent), *_news(ledger)])
    except Refused as error:
        ledger.close()
        raise AuditLogError(f"the audit log in {slot_dir} cannot be written: is its disk full?") from error
    return log


def _conclusions(layout: Layout, recent: Recent) -> Iterator[Record]:
    for decision_id, place in list(recent.open.items()):
        record = read_frame(layout.segment(place.segment), place.offset, place.sequence)
        opening = orjson.loads(record or b"{}")
        yield unknown_outcome(decision_id, opening["request_id"], opening["trace_id"])


def _news(ledger: Ledger) -> Iterator[Record]:
    if ledger.key_changed:
        yield event(Event.KEY_CHANGED, {"key": ledger.signer.vkey})
