from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.tiles import TileFolder, TileMissing, parse_tile_path, tile_path

if TYPE_CHECKING:
    from pathlib import Path

PATHS = {
    (0, 0, 256): "tile/0/000",
    (0, 999, 1): "tile/0/999.p/1",
    (1, 1_000, 256): "tile/1/x001/000",
    (0, 1_234_067, 256): "tile/0/x001/x234/067",  # C2SP tlog-tiles' own example
    (63, 1_234_067, 12): "tile/63/x001/x234/067.p/12",
}


@pytest.mark.parametrize(("tile", "path"), PATHS.items())
def test_paths(tile: tuple[int, int, int], path: str) -> None:
    assert tile_path(*tile) == path
    assert parse_tile_path(path) == tile


@given(st.integers(0, 63), st.integers(0, 1 << 56), st.integers(1, 256))
def test_a_path_tells_all_of_its_tile(level: int, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == (level, index, width)


@pytest.mark.parametrize("tile", [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_tiles_that_cannot_be_have_no_path(tile: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="there is no tile"):
        tile_path(*tile)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/100/000",
        "tile/0/001/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
        "tile/8/0/000",
        "/tile/0/000",
        "",
    ],
)
def test_paths_written_otherwise_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not the path of a tile"):
        parse_tile_path(path)


HASHES = bytes(range(256)) * 32


def write(ledger_dir: Path, width: int, content: bytes | None = None) -> None:
    path = ledger_dir / tile_path(1, 1_000, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(HASHES[: width * 32] if content is None else content)


@pytest.mark.parametrize("held", [[12], [13], [256], [200, 13, 256], [3, 12]], ids=str)
def test_a_tile_is_read_from_its_own_file_or_a_wider_one(tmp_path: Path, held: list[int]) -> None:
    for width in held:
        write(tmp_path, width)
    assert TileFolder(tmp_path).read(1, 1_000, 12) == HASHES[: 12 * 32]


def test_a_tile_s_own_file_comes_first(tmp_path: Path) -> None:
    write(tmp_path, 12, bytes(12 * 32))
    write(tmp_path, 256)
    assert TileFolder(tmp_path).read(1, 1_000, 12) == bytes(12 * 32)


@pytest.mark.parametrize("held", [[], [11]], ids=str)
def test_without_a_file_that_holds_it_a_tile_is_missing(tmp_path: Path, held: list[int]) -> None:
    for width in held:
        write(tmp_path, width)
    with pytest.raises(TileMissing, match=r"tile/1/x001/000\.p/12 is not there"):
        TileFolder(tmp_path).read(1, 1_000, 12)


@pytest.mark.parametrize("length", [0, 12 * 32 - 1, 12 * 32 + 1])
def test_a_file_of_another_length_is_no_tile(tmp_path: Path, length: int) -> None:
    write(tmp_path, 12, bytes(length))
    write(tmp_path, 256)
    with pytest.raises(TileMissing, match=r"000\.p/12 is not a tile: it must have 384 bytes"):
        TileFolder(tmp_path).read(1, 1_000, 12)


def test_files_that_are_no_partial_tiles_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 14)
    (tmp_path / tile_path(1, 1_000, 14)).with_name(".13.draft").write_bytes(b"")
    assert TileFolder(tmp_path).read(1, 1_000, 12) == HASHES[: 12 * 32]


class Overtaken(TileFolder):
    """A sidecar has gone on to the next checkpoint just after the first look at the folder."""

    overtaken = False

    def _widths(self, level: int, index: int, width: int) -> list[int]:
        found = super()._widths(level, index, width)
        if not self.overtaken:
            self.overtaken = True
            write(self._ledger_dir, 14)
            (self._ledger_dir / tile_path(level, index, 13)).unlink()
        return found


def test_a_partial_tile_that_is_replaced_meanwhile_is_still_read(tmp_path: Path) -> None:
    write(tmp_path, 13)
    assert Overtaken(tmp_path).read(1, 1_000, 12) == HASHES[: 12 * 32]
