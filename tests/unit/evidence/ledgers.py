"""Logs to look at, written by the code that writes them in a sidecar."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sidecar.audit.port import Kind, Record
from sidecar.audit.recent import Place, Recent
from sidecar.evidence.folders import find_logs
from sidecar.evidence.verify.run import verify_log
from sidecar.ledger.files import OsFiles
from sidecar.ledger.keys import read_public
from sidecar.ledger.layout import Layout
from sidecar.ledger.notary import Snapshot
from sidecar.ledger.opening import Terms, open_ledger
from sidecar.ledger.reading import entries, record_mark
from sidecar.ledger.retention import Keep
from sidecar.ledger.segments import segment_files
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.evidence.report import Report

KEEP = Keep(age_s=1e9, size_bytes=1 << 40)


@dataclass
class Writer:
    """A log that is written to, step by step. `exchanges` are numbered, and so are their decision ids."""

    audit_dir: Path
    segment_bytes: int = 16_384
    keep: Keep = KEEP
    clock: FixedClock = field(default_factory=FixedClock)
    number: int = 0

    def __post_init__(self) -> None:
        key_file, public_file = (self.audit_dir.with_name(f"{self.audit_dir.name}.{end}") for end in ("key", "pub"))
        terms = Terms(key_file, public_file, self.segment_bytes, self.keep, "host-1")
        layout, self.recent = Layout(self.audit_dir / "0"), Recent()
        self.ledger = open_ledger(OsFiles(layout.draft), layout, terms, self.clock, self.recent)
        self.ledger.appender.oldest_open = self.recent.oldest_open

    @property
    def ledger_dir(self) -> Path:
        return self.audit_dir / "0" / "ledger"

    def write(self, *records: Record) -> None:
        """One commit."""
        self.ledger.notary.reserve(self.ledger.appender)
        for record in records:
            self.stage(record)
        self.ledger.appender.flush()
        self.ledger.appender.absorb()
        self.clock.advance(0.001)

    def stage(self, record: Record) -> None:
        """At the clock's time; durable with the next commit."""
        sequence = self.ledger.appender.next_sequence
        head = b'"kind":"%s","sequence":%d,"time_unix_ns":%d,' % (record.kind.encode(), sequence, self.clock.unix_ns())
        place = self.ledger.appender.stage(record_mark(self.ledger.log_id) + head + record.body[1:])
        if record.decision_id is not None:
            self.recent.add(record.kind, record.decision_id, Place(*place, sequence))

    def exchanges(self, count: int, **members: Any) -> None:
        """So many exchanges, each of two commits but for every third, whose OUTCOME comes with the next INTENT."""
        held: list[Record] = []
        for _ in range(count):
            number, self.number = self.number, self.number + 1
            self.write(*held, record(Kind.INTENT, number, **members))
            held = [record(Kind.OUTCOME, number, result="released", status=200)]
            if number % 3:
                self.write(*held)
                held = []
        if held:
            self.write(*held)

    def sign(self) -> None:
        """What the notary does about once a second."""
        tree, tiles = self.ledger.appender.tree, self.ledger.recovered.tiles
        self.ledger.notary.publish(Snapshot(tree.size, tree.root(), tuple(tiles), tree.partial_tiles()))
        tiles.clear()
        self.ledger.notary.retain()

    def close(self) -> None:
        """A clean stop."""
        self.sign()
        self.ledger.close()


def decision_id(number: int) -> str:
    return f"{number:032x}"


def record(kind: Kind, number: int, **members: Any) -> Record:
    """A record of one exchange, as small as can be."""
    ids = {"decision_id": decision_id(number), "request_id": f"r-{number}", "trace_id": f"{number:032x}"}
    return Record(kind, json.dumps({**ids, **members}, separators=(",", ":")).encode(), decision_id(number))


def event(name: str) -> Record:
    return Record(Kind.EVENT, json.dumps({"event": name, "details": {}}).encode())


def written(audit_dir: Path, count: int = 40, segment_bytes: int = 4_096) -> Path:
    """The ledger folder of a log that was closed, with several segments and tiles."""
    writer = Writer(audit_dir, segment_bytes)
    writer.write(event("start"))
    writer.exchanges(count)
    writer.close()
    return writer.ledger_dir


def verified(folder: Path, **options: Any) -> Report:
    """The report on the one log in a folder."""
    (log,) = find_logs(folder)
    return verify_log(log, read_public(log.default_keys), **options)


def codes(report: Report) -> list[str]:
    """What was found, in order."""
    return [finding.code.value for finding in report.findings]


def problems(folder: Path) -> list[str]:
    """What the one log in a folder does not hold for."""
    return [finding.code.value for finding in verified(folder).problems]


def frame_range(ledger: Path, sequence: int) -> tuple[Path, tuple[int, int]]:
    """The segment that a record lies in, and where its frame begins and ends."""
    one, two = list(entries(ledger, sequence, sequence + 2))
    return one.segment, (one.offset, two.offset)


def other_log(tmp_path: Path) -> Path:
    """The ledger of one whose key is known beside that of `audit`: both could be those of one host."""
    ledger = written(tmp_path / "other", count=200, segment_bytes=16_384)
    with (tmp_path / "audit.pub").open("a") as file:
        file.write((tmp_path / "other.pub").read_text())
    return ledger


def archived(folder: Path) -> Path:
    """A log in an archive beside its key: the shipper has sent three checkpoints, all segments but the newest."""
    writer, archive = Writer(folder / "audit", segment_bytes=16_384), folder / "archived"
    (archive / "checkpoints").mkdir(parents=True)
    for _ in range(3):
        writer.exchanges(60)
        writer.sign()
        shutil.copytree(writer.ledger_dir / "tile", archive / "tile", dirs_exist_ok=True)
        size = writer.ledger.appender.next_sequence
        shutil.copy(writer.ledger_dir / "checkpoint", archive / "checkpoints" / f"{size:020}")
    shutil.copy(writer.ledger_dir / "identity", archive)
    (archive / "records").mkdir()
    for path in segment_files(writer.ledger_dir)[:-1]:
        shutil.copy(path, archive / "records")
    writer.ledger.close()
    shutil.copy(folder / "audit.pub", folder / "archived.pub")
    return archive


def without_partial_tiles(archive: Path) -> Path:
    """The archive less the unfinished tiles: only what its records and full tiles make can be proven."""
    for path in archive.glob("tile/**/*.p/*"):
        path.unlink()
    return archive
