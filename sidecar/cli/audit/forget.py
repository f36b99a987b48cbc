"""`sidecar audit forget`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from sidecar.cli.options import exit_with
from sidecar.evidence.forget import MEANING, NotForgotten, forget, salt_file

EPILOG = """\b
Examples:
  sidecar audit forget 2026-11-20 audit
  sidecar audit forget 2026-11-20 audit --yes

Exit codes: 0 forgotten, 1 not confirmed, 2 it cannot be (the message says why).
"""


@click.command("forget", epilog=EPILOG)
@click.argument("period")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("audit"))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also the current day, while a sidecar runs.")
def command(period: str, folder: Path, *, yes: bool, force: bool) -> None:
    """Delete the salt of PERIOD (a UTC day, YYYY-MM-DD): who the people of that day were cannot be told any more."""
    try:
        path = salt_file(folder, period)
        click.echo(MEANING)
        if not yes:
            click.confirm(f"Delete {path}?", abort=True)
        forget(folder, period, datetime.now(UTC).date().isoformat(), force=force)
    except NotForgotten as error:
        exit_with([str(error)])
    click.echo(f"deleted {path}")
