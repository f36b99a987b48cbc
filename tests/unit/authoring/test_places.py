from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import fsspec
import pytest

from sidecar.authoring.building import Built
from sidecar.authoring.places import NotPublished, is_new, put
from sidecar.bundles.archive import MANIFEST, write
from sidecar.bundles.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def bundle(sequence: int | None, revision: str = "r1") -> Built:
    manifest = Manifest(revision, ("guards",), sequence)
    return Built(write({MANIFEST: manifest.as_bytes()}), manifest, ())


@pytest.fixture(params=["folder", "file", "memory"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A folder, a folder's URL, and what fsspec has a driver for."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield {"folder": str(tmp_path / "new"), "file": f"file://{tmp_path}/new", "memory": "memory://bundles/credit"}[
        request.param
    ]
    memory.store.clear()


def content(place: str) -> bytes:
    with fsspec.open(place, "rb") as file:
        return file.read()


def test_it_lies_there_under_its_name_or_the_one_that_is_given(target: str) -> None:
    assert put(bundle(1), target) == f"{target}/policy.tar.gz"
    assert content(f"{target}/policy.tar.gz") == bundle(1).archive
    assert put(bundle(1), f"{target}/other.tar.gz") == f"{target}/other.tar.gz"
    assert content(f"{target}/other.tar.gz") == bundle(1).archive


def test_a_newer_one_replaces_it_and_the_same_may_be_put_again(target: str) -> None:
    put(bundle(1), target)
    put(bundle(2), target)
    put(bundle(2), target)
    assert content(f"{target}/policy.tar.gz") == bundle(2).archive


@pytest.mark.parametrize("other", [bundle(1), bundle(2, "r2"), bundle(None)])
def test_one_that_is_not_newer_leaves_it_as_it_is(other: Built, target: str) -> None:
    put(bundle(2), target)
    with pytest.raises(NotPublished, match="has sequence 2, and this bundle") as found:
        put(other, target)
    assert found.value.is_finding
    assert content(f"{target}/policy.tar.gz") == bundle(2).archive


def test_what_is_no_bundle_or_has_no_sequence_may_be_replaced(target: str) -> None:
    put(bundle(None), target)
    put(bundle(1), target)
    put(replace(bundle(1), archive=b"no bundle"), f"{target}/x.tar.gz")
    put(bundle(1), f"{target}/x.tar.gz")
    assert content(f"{target}/x.tar.gz") == bundle(1).archive


@pytest.mark.parametrize("target", ["nosuch://bundles", "gs://bundles/credit"])
def test_without_a_driver_the_remedy_is_named(target: str) -> None:
    with pytest.raises(NotPublished, match="pip install") as found:
        put(bundle(1), target)
    assert not found.value.is_finding


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotPublished, match=r"file/policy\.tar\.gz: ") as found:
        put(bundle(1), str(tmp_path / "file"))
    assert not found.value.is_finding


@pytest.mark.parametrize("target", ["127.0.0.1:8095", "registry.example/bundles", "127.0.0.1:8095/policy.tar.gz"])
def test_what_may_be_a_url_without_its_scheme_is_no_new_folder(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotPublished, match=f"did you mean https://{target}, or ./{target}") as found:
        put(bundle(1), target)
    assert not found.value.is_finding
    assert list(tmp_path.iterdir()) == []


def test_a_folder_beside_here_is_there_or_said_to_be_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "bundles").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert [put(bundle(1), target) for target in ("bundles", "b.tar.gz", "./new", "../beside", ".")] == [
        "bundles/policy.tar.gz",
        "b.tar.gz",
        "./new/policy.tar.gz",
        "../beside/policy.tar.gz",
        "./policy.tar.gz",
    ]
    assert (tmp_path / "beside/policy.tar.gz").read_bytes() == bundle(1).archive


def test_order_is_by_sequence_alone() -> None:
    assert is_new(bundle(2), "x", 1, same=False)
    assert is_new(bundle(None), "x", None, same=False)
    assert not is_new(bundle(1), "x", 1, same=True)
