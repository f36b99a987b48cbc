"""The project's own decision vectors, read as `sidecar policy check` reads an author's. `vectors/README.md` gives the
format."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.authoring.vectors import read_vectors

if TYPE_CHECKING:
    from sidecar.authoring.vectors import Vector

FOLDER = Path(__file__).parent / "vectors"
FILES = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "base")
BASE = json.loads((FOLDER / "base.json").read_text())


@cache
def read(stem: str) -> list[Vector]:
    """A file's vectors; every one of the folder is good."""
    found = read_vectors(FOLDER)
    assert found.findings == ()
    return [vector for vector in found.vectors if Path(vector.file).stem == stem]
