"""A verb called as from a terminal."""

from __future__ import annotations

from click.testing import CliRunner, Result

from sidecar.cli import main


def policy(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["policy", *map(str, arguments)], catch_exceptions=False)
