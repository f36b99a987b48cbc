"""A new policy repository: the shipped rules, an example of one's own, and what checks and publishes them."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sidecar.policy.compose import GENERATED_PATH, compose, load_modules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable
    from pathlib import Path

POLICY = "policy"


class NotEmpty(Exception):
    """The folder has something in it. Its text says so."""


def start(folder: Path, shipped: Path) -> list[str]:
    """Writes the repository into a folder that is new or empty, but for Git's own. `shipped`: the rules to begin with.

    The paths of what was written. Raises `NotEmpty` and OSError.
    """
    if folder.exists() and any(path.name != ".git" for path in folder.iterdir()):
        raise NotEmpty(f"{folder} is not empty: name a new folder")
    written = {**_template(), **_rules(shipped)}
    for path, content in written.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    generated = folder / POLICY / GENERATED_PATH
    generated.write_text(compose(load_modules(folder / POLICY)).text)
    return sorted(written)


def _template() -> dict[str, bytes]:
    return dict(_below(files("sidecar.authoring") / "template", ""))


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{path}{entry.name}/")
        else:
            yield f"{path}{entry.name}", entry.read_bytes()


def _rules(shipped: Path) -> dict[str, bytes]:
    return {
        f"{POLICY}/{path.relative_to(shipped).as_posix()}": path.read_bytes()
        for path in sorted(shipped.rglob("*.rego"))
    }
