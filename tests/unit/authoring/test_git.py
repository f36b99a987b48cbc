from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sidecar.authoring.git import Dirty, NoCommit, revision_of
from sidecar.policy.compose import GENERATED_PATH

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    named = ["-c", "user.name=Author", "-c", "user.email=author@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    policy = tmp_path / "policy"
    (policy / "sidecar").mkdir(parents=True)
    (policy / "a.rego").write_text("package a\n")
    (policy / GENERATED_PATH).write_text("package sidecar\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return policy


def test_the_revision_is_the_commit(root: Path) -> None:
    assert revision_of(root, allow_dirty=False) == git(root, "rev-parse", "HEAD")


def test_what_lies_elsewhere_and_what_is_generated_does_not_count(root: Path) -> None:
    (root.parent / "README.md").write_text("new")
    (root / GENERATED_PATH).write_text("package sidecar\n\np := 1\n")
    assert revision_of(root, allow_dirty=False) == git(root, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["a.rego", "b.rego"], ids=["changed", "untracked"])
def test_what_is_not_committed_is_refused_or_marked(name: str, root: Path) -> None:
    (root / name).write_text("package b\n")
    with pytest.raises(Dirty) as found:
        revision_of(root, allow_dirty=False)
    assert found.value.files == (f"policy/{name}",)
    assert revision_of(root, allow_dirty=True) == git(root, "rev-parse", "HEAD") + "-dirty"


def test_outside_a_repository_and_before_a_commit_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoCommit, match=r"not a git repository.*give --revision"):
        revision_of(tmp_path, allow_dirty=True)
    git(tmp_path, "init", "--quiet")
    with pytest.raises(NoCommit, match=r"has no commit.*commit it, or give --revision"):
        revision_of(tmp_path, allow_dirty=True)


def test_without_git_it_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root))
    with pytest.raises(NoCommit, match=r"git cannot be started.*install it"):
        revision_of(root, allow_dirty=False)
