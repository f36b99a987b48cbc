from __future__ import annotations

import itertools
import shutil
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.founding import Founding, LedgerRefused
from sidecar.ledger.identity import Identity, open_identity
from sidecar.ledger.keys import read_public
from sidecar.ledger.layout import Layout
from sidecar.ledger.merkle import EMPTY_ROOT
from sidecar.ledger.segments import Header, read_header
from tests.unit.ledger.faulty import FaultyFiles, Stop, Stopped
from tests.unit.ledger.logs import SEGMENT_BYTES, image

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.ledger.note import Signer

KEY = Ed25519PrivateKey.generate()


def founding(folder: Path, key: Ed25519PrivateKey = KEY, slot: str = "0") -> Founding:
    layout = Layout(folder / "audit" / slot)
    layout.ledger_dir.mkdir(parents=True, exist_ok=True)
    return Founding(FaultyFiles(layout.draft), layout, key, folder / "audit.pub")


def found(it: Founding) -> Signer:
    return it.found(it.identity(), host="a-host", created_unix_s=7, segment_bytes=SEGMENT_BYTES)


def test_a_new_log_has_all_that_a_log_has(tmp_path: Path) -> None:
    it = founding(tmp_path)
    assert (it.identity(), it.published()) == (None, [])
    signer = found(it)
    identity = open_identity(it.layout.identity.read_bytes(), [signer.verifier])
    assert identity == Identity(signer.name.rpartition("/")[2], signer.vkey, "a-host", 7)
    assert (it.identity(), it.published()) == (identity, [signer.verifier])
    checkpoint = open_checkpoint(it.layout.checkpoint.read_bytes(), [signer.verifier], identity.origin)
    assert (checkpoint.size, checkpoint.root) == (0, EMPTY_ROOT)
    assert read_header(it.layout.segment(0)) == Header(identity.log_id, 0, 0, EMPTY_ROOT)
    assert it.layout.segment(0).stat().st_size == SEGMENT_BYTES


def test_an_old_log_stays_as_it_is(tmp_path: Path) -> None:
    signer = found(founding(tmp_path))
    before = image(tmp_path)
    assert found(founding(tmp_path)).vkey == signer.vkey
    assert image(tmp_path) == before


def test_a_log_that_is_gone_is_missed_and_one_worker_more_misses_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found(founding(tmp_path))
    found(founding(tmp_path, slot="1"))
    assert caplog.messages == []
    shutil.rmtree(tmp_path / "audit")
    found(founding(tmp_path))
    [told] = caplog.messages
    assert "names 2 before it: where is the last one?" in told


def test_each_log_has_its_own_name(tmp_path: Path) -> None:
    names = {found(founding(tmp_path / name)).name for name in "ab"}
    assert len(names) == 2


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_a_start_after_a_stop_at_any_call_goes_on(tmp_path: Path, is_after: bool) -> None:
    for number in itertools.count():
        folder = tmp_path / str(number)
        it = founding(folder)
        assert isinstance(it.files, FaultyFiles)
        stop = Stop(it.files, number, is_after=is_after)
        named: str | None = None
        try:
            found(it)
        except Stopped:
            identity = founding(folder).identity()
            named = None if identity is None else identity.origin
        signer = found(founding(folder))
        assert signer.name == named or named is None
        assert signer.verifier in read_public(folder / "audit.pub")
        assert read_header(it.layout.segment(0)).log_id == signer.name.rpartition("/")[2]
        if not stop.happened:
            break
    assert number == 6


def test_another_key_signs_under_the_same_name(tmp_path: Path) -> None:
    old = found(founding(tmp_path))
    new = found(founding(tmp_path, Ed25519PrivateKey.generate()))
    assert (new.name, new.vkey != old.vkey) == (old.name, True)


def test_an_identity_by_a_key_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    found(founding(tmp_path))
    (tmp_path / "audit.pub").unlink()
    before = image(tmp_path)
    with pytest.raises(LedgerRefused, match=r"identity: .*no known key"):
        founding(tmp_path, Ed25519PrivateKey.generate()).identity()
    assert image(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"\xff", b"log \n", b"log " + b"a" * 32 + b"\n"])
def test_what_is_no_identity_is_refused(tmp_path: Path, content: bytes) -> None:
    it = founding(tmp_path)
    found(it)
    it.layout.identity.write_bytes(content)
    with pytest.raises(LedgerRefused, match="identity: "):
        founding(tmp_path).identity()


@pytest.mark.parametrize(
    ("left", "missing"),
    [
        ({"checkpoint"}, "identity"),
        ({"tile"}, "identity"),
        ({"records"}, "identity"),
        ({"identity", "tile"}, "checkpoint"),
        ({"identity", "records"}, "checkpoint"),
    ],
)
def test_what_is_missing_while_what_is_made_after_it_is_there_was_taken_away(
    tmp_path: Path, left: set[str], missing: str
) -> None:
    it = founding(tmp_path)
    found(it)
    (it.layout.ledger_dir / "tile").mkdir()
    for path in (it.layout.identity, it.layout.checkpoint, it.layout.segment(0), it.layout.ledger_dir / "tile"):
        name = path.relative_to(it.layout.ledger_dir).parts[0]
        if name not in left:
            path.rmdir() if path.is_dir() else path.unlink()
    before = image(tmp_path)
    with pytest.raises(LedgerRefused, match=f"{missing} is missing, though .* is there"):
        found(founding(tmp_path))
    assert image(tmp_path) == before
