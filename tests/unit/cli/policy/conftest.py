"""A policy in a repository, and keys to sign it with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.keys import EC, private_pem, public_pem
from tests.unit.authoring.policies import small_policy
from tests.unit.authoring.test_git import git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder `policy` of a repository with one commit."""
    root = small_policy(tmp_path / "repository" / "policy")
    git(root.parent, "init", "--quiet")
    git(root.parent, "add", ".")
    git(root.parent, "commit", "--quiet", "--message", "first")
    return root


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with `policy.pem` and `policy.pub`."""
    (tmp_path / "policy.pem").write_bytes(private_pem(EC))
    (tmp_path / "policy.pub").write_bytes(public_pem(EC))
    return tmp_path
