"""A verb called as from a terminal."""

from __future__ import annotations

from click.testing import CliRunner, Result

from sidecar.cli import main


def audit(*arguments: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)], input=typed, catch_exceptions=False)
