from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.keys import read_public
from sidecar.ledger.layout import checkpoint_name
from sidecar.ledger.merkle import Tree
from sidecar.ledger.segments import first_of, segment_files
from sidecar.ledger.tiles import TileFolder, tile_path
from sidecar.ship.anchor import largest_checkpoint
from sidecar.ship.archive import ArchiveDestination, full_tiles, partial_tiles
from sidecar.ship.cursor import Cursor, CursorFile
from sidecar.ship.destination import Unavailable
from sidecar.ship.store import FolderStore
from tests.support import FixedClock
from tests.unit.ship.ledgers import WrittenLog, event

if TYPE_CHECKING:
    from pathlib import Path

PADDED = event(padding="x" * 1_000)


class Shelf:
    """An archive in a folder, and the shipper to it."""

    def __init__(self, log: WrittenLog, folder: Path, clock: FixedClock) -> None:
        self.root = folder / log.log_id
        self.cursor_file = CursorFile(log.layout.cursors, "archive")
        self.destination = ArchiveDestination(
            log.layout, self.cursor_file, FolderStore(folder), unix_s=clock.unix_s, monotonic_s=clock.monotonic_s
        )

    def update(self, *, is_last: bool = False) -> None:
        """Rounds until nothing is due."""
        while self.destination.round(is_last=is_last) and not is_last:
            pass

    @property
    def names(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()}

    @property
    def cursor(self) -> Cursor:
        found = self.cursor_file.read()
        assert found is not None
        return found


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def shelf(log: WrittenLog, tmp_path: Path, clock: FixedClock) -> Shelf:
    return Shelf(log, tmp_path / "archive", clock)


def of_ledger(log: WrittenLog) -> dict[str, bytes]:
    folder = log.layout.ledger_dir
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_not_signed_is_not_due(log: WrittenLog, shelf: Shelf) -> None:
    log.write(*[PADDED] * 12)
    assert not shelf.destination.round(is_last=True)
    assert shelf.names == {"identity"}
    log.layout.checkpoint.unlink()
    assert not shelf.destination.round(is_last=True)


def test_closed_segments_full_tiles_identity_and_checkpoint_are_there_byte_for_byte(
    log: WrittenLog, shelf: Shelf
) -> None:
    size = log.write_signed(*[PADDED] * 300)
    shelf.update()
    kept = of_ledger(log)
    closed = [f"records/{path.name}" for path in segment_files(log.layout.ledger_dir)[:-1]]
    assert len(closed) > 50
    partial = {tile_path(*tile) for tile in partial_tiles(size)}
    assert shelf.names == {"identity", "tile/0/000", *partial, checkpoint_name(size), *closed}
    for name in (*closed, "identity", "tile/0/000"):
        assert (shelf.root / name).read_bytes() == kept[name]
    assert (shelf.root / checkpoint_name(size)).read_bytes() == kept["checkpoint"]
    cursor = shelf.cursor
    assert (cursor.next, cursor.tiles, cursor.checkpoint) == (log.first_of_newest, size, size)
    assert (cursor.shipped, cursor.conflicts) == (len(shelf.names), 0)


def test_each_checkpoint_has_all_its_tiles(log: WrittenLog, shelf: Shelf) -> None:
    """So that the root which was signed can be computed from the archive alone."""
    size = log.write_signed(*[event()] * 300)
    shelf.update()
    tree = Tree.restore(size, TileFolder(shelf.root).read)
    keys = read_public(log.public_file)
    assert largest_checkpoint(str(shelf.root.parent), log.log_id, keys) is not None
    assert f"\n{size}\n" in (shelf.root / checkpoint_name(size)).read_text()
    assert tree.root() == Tree.restore(size, TileFolder(log.layout.ledger_dir).read).root()


def test_a_checkpoint_goes_out_each_ten_seconds_and_at_the_end(
    log: WrittenLog, shelf: Shelf, clock: FixedClock
) -> None:
    sizes: list[int] = []
    for _ in range(25):
        sizes.append(log.write_signed(event()))
        shelf.update()
        clock.advance(1)
    sizes.append(log.write_signed(event()))
    shelf.update(is_last=True)
    kept = [size for size in range(sizes[-1] + 1) if (shelf.root / checkpoint_name(size)).exists()]
    assert kept == [1, 11, 21, 26]
    assert shelf.cursor.checkpoint_unix_s == int(clock.unix_s())


def test_a_restart_goes_on_and_makes_nothing_twice(log: WrittenLog, shelf: Shelf, tmp_path: Path) -> None:
    log.write_signed(*[PADDED] * 30)
    shelf.update()
    shipped = shelf.cursor.shipped
    shelf.cursor_file.path.unlink()  # as if nothing had been acknowledged
    again = Shelf(log, tmp_path / "archive", FixedClock())
    again.update()
    assert (again.cursor.shipped, again.cursor.conflicts) == (0, 0)
    assert len(again.names) == shipped


def test_other_content_holds_up_its_own_kind_and_is_counted_each_time(
    log: WrittenLog, shelf: Shelf, clock: FixedClock
) -> None:
    log.write_signed(*[PADDED] * 12)
    second = segment_files(log.layout.ledger_dir)[1]
    foreign = shelf.root / "records" / second.name
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"another log's")
    for conflicts in (1, 2):
        clock.advance(10)
        size = log.write_signed(event())
        with pytest.raises(Unavailable, match=f"other content under our names: records/{second.name}"):
            shelf.update()
        assert (shelf.cursor.conflicts, shelf.cursor.next) == (conflicts, first_of(second))
        assert checkpoint_name(size) in shelf.names
    foreign.unlink()
    shelf.update()
    assert shelf.cursor.next == log.first_of_newest


def test_a_new_key_leaves_the_first_identity_and_is_no_conflict(log: WrittenLog, shelf: Shelf, tmp_path: Path) -> None:
    log.write_signed(event())
    shelf.update()
    first = log.layout.identity.read_bytes()
    log.layout.identity.write_bytes(b"of another key")
    again = Shelf(log, tmp_path / "archive", FixedClock())
    again.update()
    assert (shelf.root / "identity").read_bytes() == first
    assert again.cursor.conflicts == 0


def test_an_archive_that_comes_late_has_what_is_left(log: WrittenLog, shelf: Shelf) -> None:
    """Retention has deleted the oldest segments, and the tile that only they needed."""
    log.write_signed(*[PADDED] * 600)
    files = segment_files(log.layout.ledger_dir)
    for path, follower in pairwise(files):
        if first_of(follower) <= 300:
            path.unlink()
    (log.layout.ledger_dir / "tile/0/000").unlink()
    shelf.update()
    first = first_of(segment_files(log.layout.ledger_dir)[0])
    assert 256 < first <= 300
    assert shelf.cursor.next == log.first_of_newest
    assert {name for name in shelf.names if name.startswith("tile")} == {
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
    }


def test_a_damaged_segment_is_left_out_and_told(
    log: WrittenLog, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    log.write_signed(*[PADDED] * 12)
    first, second, third, *_ = segment_files(log.layout.ledger_dir)
    content = second.read_bytes()
    second.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    shelf.update()
    assert f"records/{first.name}" in shelf.names
    assert f"records/{second.name}" not in shelf.names
    assert f"records/{third.name}" in shelf.names
    assert shelf.cursor.rejected == first_of(third) - first_of(second)
    assert f"{second} is damaged and not archived" in caplog.text


def test_a_tile_that_should_be_there_is_waited_for(log: WrittenLog, shelf: Shelf) -> None:
    log.write_signed(*[event()] * 300)
    (log.layout.ledger_dir / "tile/0/000").unlink()
    with pytest.raises(Unavailable, match="tile/0/000 is not there"):
        shelf.update()
    assert shelf.cursor.tiles == 0


def tiles_of(size: int) -> set[tuple[int, int]]:
    """All full tiles of a tree, from their definition."""
    return {(level, index) for level in range(4) for index in range(size // 256 ** (level + 1))}


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_the_tiles_that_became_full(a: int, b: int) -> None:
    old, new = sorted((a, b))
    found = list(full_tiles(old, new))
    assert len(found) == len(set(found))
    assert set(found) == tiles_of(new) - tiles_of(old)


@given(st.integers(0, 2**40))
def test_partial_and_full_tiles_are_the_whole_tree(size: int) -> None:
    widths = {level: index * 256 + width for level, index, width in partial_tiles(size)}
    assert widths == {level: size >> 8 * level for level in range(6) if (size >> 8 * level) % 256}


def test_another_archive_gets_all_that_is_still_here(
    log: WrittenLog, shelf: Shelf, tmp_path: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(300):
        log.write_signed(event())
    shelf.update(is_last=True)
    other = Shelf(log, tmp_path / "another", clock)
    clock.advance(60)
    other.update()
    other.update(is_last=True)
    assert other.names >= shelf.names - {name for name in shelf.names if ".p/" in name}
    assert "is it another one, or was it emptied? Starting over from record 0" in caplog.text


def test_an_archive_that_has_what_was_archived_goes_on(
    log: WrittenLog, shelf: Shelf, tmp_path: Path, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    log.write_signed(event())
    shelf.update()
    before = shelf.cursor
    again = Shelf(log, tmp_path / "archive", clock)
    again.update()
    assert (again.cursor, caplog.text) == (before, "")
