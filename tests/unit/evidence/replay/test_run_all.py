from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.evidence.replay import Change, Changed, Report, replay, replay_all
from tests.unit.evidence.replay.written import Kept, aged, bundle, data, with_version

if TYPE_CHECKING:
    from pathlib import Path

DATASETS = {"loans-2026-11-20": aged(1), "aged": aged(20), "stale": aged(80)}


def document(**changes: Any) -> dict[str, Any]:
    return data(**changes) | {"datasets": DATASETS}


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two replicas, each with salts of its own: one was asked with old data once, the other twice and by nobody."""
    made: list[Path] = []
    for name, versions in (("one", ["loans-2026-11-20", "stale"]), ("other", ["stale", "aged", "stale"])):
        book = Kept(tmp_path / name)
        book.activate(bundle(tmp_path, document()))
        for version in versions:
            book.exchange(attributes=with_version(version))
        book.close()
        made.append(book.audit_dir)
    return made


def test_several_logs_make_one_report(folders: list[Path], tmp_path: Path) -> None:
    candidate = bundle(tmp_path, document(max_age_days=100))
    advanced: list[int] = []
    found = replay_all(folders, candidate, engine="embedded", advance=advanced.append)
    single = [replay(folder, candidate, engine="embedded") for folder in folders]
    [row], rows = found.changed, [row for report in single for row in report.changed]
    assert found == Report(
        candidate=candidate.revision,
        records=sum(report.records for report in single),
        same=sum(report.same for report in single),
        differences=3,
        not_replayed=0,
        undecided=dict(sum((Counter(report.undecided) for report in single), Counter())),
        engines=dict(sum((Counter(report.engines) for report in single), Counter())),
        changed=(Changed(Change.DENY_TO_ALLOW, "staleness", "credit", row.group, 3, row.examples),),
        listed=tuple(one for report in single for one in report.listed),
        obstacles=(),
    )
    assert row.examples == tuple(example for each in rows for example in each.examples)
    assert sum(advanced) == found.records


def test_what_they_are_compared_with_is_named(folders: list[Path], tmp_path: Path) -> None:
    candidate, base = (bundle(tmp_path, document(max_age_days=days)) for days in (100, 30))
    alone = replay_all(folders, candidate, engine="embedded")
    assert replay_all(folders, candidate, base=base, engine="embedded") == replace(alone, base=base.revision)
