"""`sidecar policy init`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.cli.options import exit_with

EPILOG = """\b
Examples:
  sidecar policy init credit-policy && cd credit-policy && git init && sidecar policy check policy --data data.json

Exit codes: 0 written, 2 the folder is not empty.
"""


@click.command("init", epilog=EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Start a policy repository in DIR: the shipped rules, an example of your own, tests, vectors, workflow, hooks."""
    from sidecar.app.rooms import shipped  # noqa: PLC0415 - not for `--help`
    from sidecar.authoring.starting import NotEmpty, start  # noqa: PLC0415

    try:
        written = start(folder, shipped("rego"))
    except NotEmpty as error:
        exit_with([str(error)])
    click.echo(f"{folder}: {len(written)} files; start with README.md")
