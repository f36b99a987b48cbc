"""`opa check` over a folder of modules: the command line, what it told, and the files that it reads.

Run by `child` before it starts an engine, without blocking the event loop; by `compiling` for verbs and the registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson

from sidecar.policy.capabilities import CAPABILITIES_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHECK_LIMIT_S = 30.0
TOO_LONG = "`opa check` took too long"


def check_command(binary: Path, *, restricted: bool) -> list[str]:
    """For the folder in which it is run; `restricted`: with the builtins that a policy may call alone."""
    options = ["--capabilities", str(CAPABILITIES_FILE)] if restricted else []
    return [str(binary), "check", "--strict", "--format", "json", *options, "."]


def problems_told(told: bytes) -> list[str]:
    """A line for each error, `file:row: message`; other words as they are."""
    try:
        errors = cast("list[dict[str, object]]", orjson.loads(told)["errors"])
        return [_line(error) for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [" ".join(told.decode(errors="replace").split())[:1000] or "`opa check` failed"]


def _line(error: dict[str, object]) -> str:
    location = cast("dict[str, object]", error.get("location") or {})
    return f"{location.get('file', '?')}:{location.get('row', '?')}: {error['message']}"


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Each text under its path, as it is; makes folders as needed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, newline="")
