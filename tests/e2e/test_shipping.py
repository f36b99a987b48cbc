"""`sidecar run` with an archive: what is there when it has stopped, and what a dead collector costs at the stop."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.lookup import export
from sidecar.ledger.keys import read_public
from sidecar.ledger.layout import slots
from sidecar.ledger.merkle import Tree
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import read_header, segment_files
from sidecar.ledger.tiles import TileFolder
from sidecar.ship.anchor import largest_checkpoint
from tests.process import sidecar, wait_until
from tests.upstream import recording_server

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v2/models/credit/infer"
BODY = {"inputs": [{"name": "income", "shape": [1], "datatype": "FP64", "data": [50.0]}]}


def test_the_last_checkpoint_and_its_tiles_are_in_the_archive_when_it_has_stopped(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with (
        recording_server() as upstream,
        sidecar(tmp_path, upstream.url, "--audit-archive", str(archive)) as running,
    ):
        for _ in range(20):
            assert running.infer(PATH, BODY).status == 200
        wait_until(lambda: any(archive.glob("*/checkpoints/*")))
    [layout] = slots(tmp_path / "audit")
    log_id = read_header(segment_files(layout.ledger_dir)[0]).log_id
    anchored = largest_checkpoint(str(archive), log_id, read_public(tmp_path / "audit.pub"))
    assert anchored is not None
    assert anchored.size == len(running.records()) > 40
    assert Tree.restore(anchored.size, TileFolder(archive / log_id).read).root() == anchored.root
    assert [entry.record for entry in entries(archive / log_id)] == list(export(tmp_path / "audit"))


def test_an_archive_that_answers_again_while_it_stops_gets_every_record(tmp_path: Path) -> None:
    archive, away = tmp_path / "archive", tmp_path / "away"
    with (
        recording_server() as upstream,
        sidecar(tmp_path, upstream.url, "--audit-archive", str(archive)) as running,
    ):
        wait_until(lambda: any(archive.glob("*/checkpoints/*")))
        archive.rename(away)
        archive.touch()  # no folder can be made there
        assert running.infer(PATH, BODY).status == 200
        wait_until(lambda: "nothing is lost, but not shipped" in running.log)
        running.process.terminate()
        wait_until(lambda: "stopping" in running.log)
        archive.unlink()
        away.rename(archive)
        assert running.process.wait(30) == 0
        assert "on this disk alone" not in running.log
    [log] = [folder for folder in archive.iterdir() if (folder / "records").is_dir()]
    assert [entry.record for entry in entries(log)] == list(export(tmp_path / "audit"))


def test_what_no_archive_took_before_the_end_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.touch()
    with (
        recording_server() as upstream,
        sidecar(tmp_path, upstream.url, "--audit-archive", str(archive)) as running,
    ):
        assert running.infer(PATH, BODY).status == 200
        running.process.terminate()
        assert running.process.wait(30) == 0
        count = len(running.records())
        assert "archive: not all was shipped before the end; the next start goes on: " in running.log
        assert f"archive: {count} records are on this disk alone, until the next start ships them" in running.log


def test_a_collector_that_hangs_delays_the_stop_by_seconds_only(tmp_path: Path) -> None:
    """It takes connections, and never answers: what it was sent is shipped again by the next start."""
    with (
        socket.create_server(("127.0.0.1", 0)) as hanging,
        recording_server() as upstream,
        sidecar(tmp_path, upstream.url, "--otlp", f"http://127.0.0.1:{hanging.getsockname()[1]}") as running,
    ):
        assert running.infer(PATH, BODY).status == 200
        hanging.accept()[0].close()  # the first attempt
        running.process.terminate()
        assert running.process.wait(9) == 0
    assert [record["kind"] for record in running.records()] == ["EVENT", "INTENT", "OUTCOME", "EVENT"]


def test_a_log_that_was_put_back_does_not_start_and_one_without_its_archive_does(tmp_path: Path) -> None:
    flags = ("--audit-archive", str(tmp_path / "archive"))
    with recording_server() as upstream, sidecar(tmp_path / "first", upstream.url, *flags) as running:
        audit = tmp_path / "first" / "audit"
        shutil.copytree(audit / "0", tmp_path / "older")
        assert running.infer(PATH, BODY).status == 200
    shutil.rmtree(audit / "0")
    shutil.copytree(tmp_path / "older", audit / "0")
    again = tmp_path / "again"
    shutil.copytree(tmp_path / "first", again, ignore=shutil.ignore_patterns("rego", "data.json"))
    found = [image(again / "audit" / "0" / "ledger"), image(tmp_path / "archive")]
    with (
        recording_server() as upstream,
        pytest.raises(pytest.fail.Exception, match="--audit-archive: the archive has a checkpoint over"),
        sidecar(again, upstream.url, *flags),
    ):
        pytest.fail("it started")
    assert [image(again / "audit" / "0" / "ledger"), image(tmp_path / "archive")] == found
    (tmp_path / "archive").rename(tmp_path / "elsewhere")
    third = tmp_path / "third"
    shutil.copytree(tmp_path / "first", third, ignore=shutil.ignore_patterns("rego", "data.json"))
    with recording_server() as upstream, sidecar(third, upstream.url, *flags) as running:
        assert running.infer(PATH, BODY).status == 200


def image(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
