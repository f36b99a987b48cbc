"""The layers, each with what the one before it has and one thing more; and requests of other sizes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench import workload
from bench.comparison.ours import RESPONSE_GUARDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

REQUEST_GUARDS = ("consent", "provenance", "staleness")
METADATA_PATH = "/v2/models/credit"
WITHOUT_AUDIT = (sys.executable, "-m", "bench.unrecorded", "off")
NO_RESPONSE: Mapping[str, str] = dict.fromkeys(RESPONSE_GUARDS, "off")
OFF: Mapping[str, str] = dict.fromkeys((*REQUEST_GUARDS, *RESPONSE_GUARDS), "off")
KIB = 1_024
SIZES = (512, 8 * KIB, 64 * KIB, 512 * KIB, 4 * KIB * KIB)
"""Bodies, in bytes."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A sidecar's settings and what is asked of it. `rules` are modes; `body_bytes` None: the workload's own body."""

    title: str
    rules: Mapping[str, str] = field(default_factory=dict[str, str])
    flags: Sequence[str] = ()
    launcher: Sequence[str] = ("sidecar",)
    engine: str = "embedded"
    metadata: bool = False
    body_bytes: int | None = None
    needs: Sequence[str] = ()

    def data(self) -> dict[str, Any]:
        """The policy's data."""
        data = workload.data()
        data["models"]["credit"]["rules"] |= self.rules
        return data

    def asked(self) -> tuple[str, str]:
        """Method and path."""
        return ("GET", METADATA_PATH) if self.metadata else ("POST", workload.PATH)


LAYERS: Mapping[str, Layer] = {
    "pass-through": Layer(
        "a metadata endpoint, no policy", flags=("--metadata", "allow"), launcher=WITHOUT_AUDIT, metadata=True
    ),
    "no-op": Layer("every rule off", OFF, launcher=WITHOUT_AUDIT),
    "request": Layer("+ rules of the request", NO_RESPONSE, launcher=WITHOUT_AUDIT),
    "both": Layer("+ rules of the response", launcher=WITHOUT_AUDIT),
    "audit": Layer("+ audit, durable"),
    "redis": Layer("+ windows in Redis", flags=("--window-store", "REDIS"), needs=("redis-server",)),
    "opa": Layer("as audit, with an OPA daemon", engine="opa", needs=("opa",)),
}
SIZED: Mapping[str, Layer] = {
    f"{size // KIB} KiB" if size >= KIB else f"{size} B": Layer("as audit", body_bytes=size) for size in SIZES
}


def body(size: int | None) -> bytes:
    """A V2 request of about `size` bytes; the workload's own where None."""
    if size is None:
        return workload.body().encode()
    row = [round(0.137 * column, 5) for column in range(max(1, size // 8))]
    text = json.dumps({"inputs": [{"name": "features", "shape": [1, len(row)], "datatype": "FP64", "data": row}]})
    while len(text) > size and len(row) > 1:
        del row[len(row) * size // len(text) :]
        tensor = {"name": "features", "shape": [1, len(row)], "datatype": "FP64", "data": row}
        text = json.dumps({"inputs": [tensor]})
    return text.encode()


def write_body(folder: Path, layer: Layer) -> Path:
    """The body in a file; an empty one for what has none."""
    file = folder / "body"
    file.write_bytes(b"" if layer.metadata else body(layer.body_bytes))
    return file
