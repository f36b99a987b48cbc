from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.demo.workspace import DemoFailed, default_root, workspace


def test_places_lie_in_the_root(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "demo"
    with workspace(root) as place:
        assert root.is_dir()
        paths = [place.model, place.data, place.key_set, place.audit_dir, place.log("sidecar")]
        assert [path.name for path in paths] == [
            "model.json",
            "data.json",
            "jwks.json",
            "audit",
            "sidecar.log",
        ]
        assert {path.parent for path in paths} == {root}


def test_what_a_demo_left_stays_until_the_next_one(tmp_path: Path) -> None:
    with workspace(tmp_path / "demo") as place:
        place.audit_dir.mkdir()
        place.model.write_text("{}")
    assert place.model.exists()
    with workspace(tmp_path / "demo") as place:
        assert not place.audit_dir.exists()
        assert not place.model.exists()


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    with workspace(tmp_path / "demo") as place:
        assert place.root == tmp_path / "demo"


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("years of work")
    with pytest.raises(DemoFailed, match="holds something that no demo made"), workspace(tmp_path / "demo"):
        pass
    assert (tmp_path / "demo" / "thesis.txt").read_text() == "years of work"


def test_one_demo_at_a_time(tmp_path: Path) -> None:
    at_work = pytest.raises(DemoFailed, match="another demo is at work")
    with workspace(tmp_path / "demo"), at_work, workspace(tmp_path / "demo"):
        pass
    with workspace(tmp_path / "demo"):
        pass


def test_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DemoFailed, match="no place for the demo"), workspace(tmp_path / "file" / "demo"):
        pass


def test_errors_of_the_block_are_not_ours(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), workspace(tmp_path / "demo") as place:
        place.data.read_text()


@pytest.mark.parametrize(
    ("environ", "root"),
    [
        ({"SIDECAR_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, Path("/c/demo")),
        ({"XDG_CACHE_HOME": "/x"}, Path("/x/model-policy-sidecar/demo")),
        ({}, Path.home() / ".cache/model-policy-sidecar/demo"),
    ],
)
def test_default_root(environ: dict[str, str], root: Path) -> None:
    assert default_root(environ) == root
