from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.bundles import archive
from sidecar.bundles.archive import read, write
from sidecar.bundles.invalid import BundleInvalid

PARTS = st.text("abcdefgh_", min_size=1, max_size=8)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


def packed(*files: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.type = len(content), kind
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@given(st.dictionaries(PATHS, st.binary(max_size=2_000), max_size=8))
def test_what_was_written_is_read(files: dict[str, bytes]) -> None:
    assert read(write(files)) == files


def test_the_same_files_are_the_same_bytes_in_whatever_order() -> None:
    assert write({"b": b"2", "a": b"1"}) == write({"a": b"1", "b": b"2"})


@pytest.mark.parametrize("name", ["./guards/x.rego", "/guards/x.rego", "guards/x.rego"])
def test_paths_are_below_the_root_however_they_are_written(name: str) -> None:
    assert read(packed((name, b"package x"))) == {"guards/x.rego": b"package x"}


def test_folders_and_links_are_no_files() -> None:
    assert read(packed(("guards", b""), kind=tarfile.DIRTYPE)) == {}
    assert read(packed(("passwd", b""), kind=tarfile.SYMTYPE)) == {}


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_cut_short_it_is_refused_wherever_it_is_cut(cut: int) -> None:
    whole = write({"data.json": b"{}", "a.rego": b"package a"})
    with pytest.raises(BundleInvalid, match="cut short"):
        read(whole[:-cut])


@pytest.mark.parametrize(
    "content", [b"", b"{}", gzip.compress(b"no tar at all" * 100, mtime=0)], ids=["nothing", "text", "no tar"]
)
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(BundleInvalid):
        read(content)


def test_a_second_part_behind_the_first_is_refused() -> None:
    with pytest.raises(BundleInvalid, match="something follows its end"):
        read(write({"a": b"1"}) + write({"b": b"2"}))


def test_a_file_that_is_in_it_twice_is_refused() -> None:
    with pytest.raises(BundleInvalid, match=r"a\.rego: is in it twice"):
        read(packed(("a.rego", b"1"), ("./a.rego", b"2")))


@pytest.mark.parametrize("path", ["models/data.json", "data.yaml", "models/data.yml", ".manifest.pb", "patch.json"])
def test_what_opa_would_read_and_we_do_not_is_refused(path: str) -> None:
    with pytest.raises(BundleInvalid, match=f"^{PurePosixPath(path)}: "):
        read(packed((path, b"{}")))


def test_its_size_is_bounded() -> None:
    assert len(read(write({"data.json": b"1" * 10_000}), 30_000)["data.json"]) == 10_000
    with pytest.raises(BundleInvalid, match="more than 30000 bytes"):
        read(write({"data.json": b"1" * 31_000}), 30_000)


def test_the_number_of_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FILES_LIMIT", 3)
    assert len(read(write(dict.fromkeys("abc", b"")))) == 3
    with pytest.raises(BundleInvalid, match="more than 3 files"):
        read(write(dict.fromkeys("abcd", b"")))
