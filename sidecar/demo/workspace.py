"""The folder in which one demo leaves everything, the audit trail above all. The next demo replaces it."""

from __future__ import annotations

import fcntl
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

MARKER = "made-by-sidecar-demo"


class DemoFailed(Exception):
    """The demo cannot run here; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where things lie under `root`."""

    root: Path

    @property
    def model(self) -> Path:
        """The trained model, for the model server."""
        return self.root / "model.json"

    @property
    def skewed_model(self) -> Path:
        """The second model, which is unfair on purpose."""
        return self.root / "skewed-model.json"

    @property
    def plot(self) -> Path:
        """Fairness over the demo's calls, as a picture."""
        return self.root / "fairness.png"

    @property
    def data(self) -> Path:
        """The policy's data."""
        return self.root / "data.json"

    @property
    def key_set(self) -> Path:
        """The issuer's public key."""
        return self.root / "jwks.json"

    @property
    def audit_dir(self) -> Path:
        """The audit trail."""
        return self.root / "audit"

    def log(self, name: str) -> Path:
        """What a server says on standard error."""
        return self.root / f"{name}.log"


def default_root(environ: Mapping[str, str]) -> Path:
    """In the cache folder that the scripts use too."""
    cache = environ.get("SIDECAR_CACHE")
    if cache:
        return Path(cache) / "demo"
    base = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "model-policy-sidecar" / "demo"


@contextmanager
def workspace(root: Path) -> Generator[Workspace]:
    """A fresh workspace, for one demo at a time. Raises DemoFailed where `root` holds what no demo made."""
    root = root.absolute()
    lock = root.with_name(root.name + ".lock")
    with ExitStack() as stack:
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            _lock(stack.enter_context(lock.open("w")).fileno(), root)
            _replace(root)
        except OSError as error:
            raise DemoFailed(f"no place for the demo in {root}: {error}") from error
        yield Workspace(root)


def _lock(descriptor: int, root: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DemoFailed(f"another demo is at work in {root}; name another folder with --dir") from None


def _replace(root: Path) -> None:
    if root.exists() and any(root.iterdir()):
        if not (root / MARKER).exists():
            raise DemoFailed(f"{root} holds something that no demo made; name another folder with --dir")
        shutil.rmtree(root)
    root.mkdir(exist_ok=True)
    (root / MARKER).touch()
