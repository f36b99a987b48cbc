"""Which commit a policy is: asked of Git, whose command does it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from sidecar.policy.compose import GENERATED_PATH

if TYPE_CHECKING:
    from pathlib import Path

DIRTY = "-dirty"
LISTED = 10


class NoCommit(Exception):
    """There is no commit to name a policy by. Its text names the remedy."""


class Dirty(Exception):
    """Files differ from the commit. `files`: as Git tells them, at most `LISTED`."""

    def __init__(self, files: list[str]) -> None:
        super().__init__(", ".join(files))
        self.files = tuple(files[:LISTED])


def revision_of(root: Path, *, allow_dirty: bool) -> str:
    """The commit that HEAD names, with `-dirty` behind it where files under `root` differ from it.

    Raises `NoCommit`, and `Dirty` unless it is allowed. The generated module counts in no case: a build makes it anew.
    """
    commit = _git(root, "rev-parse", "--verify", "HEAD").strip()
    told = _git(root, "status", "--porcelain", "--untracked-files=all", "--", ".", f":(exclude){GENERATED_PATH}")
    files = [line[3:] for line in told.splitlines()]
    if files and not allow_dirty:
        raise Dirty(files)
    return commit + DIRTY if files else commit


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - git, with a fixed list of arguments
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the one on PATH, as for any tool of Git's
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise NoCommit(f"git cannot be started ({error.strerror}): install it, or give --revision") from None
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["git failed"])[0]
        raise NoCommit(f"{root} has no commit ({why}): commit it, or give --revision")
    return done.stdout
