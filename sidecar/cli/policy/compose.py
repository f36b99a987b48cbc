"""`sidecar policy compose`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sidecar.policy.compose import GENERATED_PATH, compose, load_modules

EPILOG = """\b
Examples:
  sidecar policy compose policy
  sidecar policy compose policy --check

Exit codes: 0 written, or up to date; 1 out of date (with --check), or the guards do not compose; 2 no such folder.
"""


@click.command("compose", epilog=EPILOG)
@click.argument("root", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where the file is out of date.")
def command(root: Path, *, check: bool) -> None:
    """Generate the module that joins the guards of ROOT: sidecar/composed.rego.

    The sidecar does this by itself when it loads a folder, and `policy build` when it makes a bundle; a folder that is
    given to OPA directly needs the file.
    """
    composition = compose(load_modules(root))
    for problem in composition.problems:
        click.echo(f"sidecar: {problem}", err=True)
    target = root / GENERATED_PATH
    stale = not target.exists() or target.read_text() != composition.text
    if check or composition.problems:
        if stale:
            click.echo(f"sidecar: {target} is out of date: run sidecar policy compose {root}", err=True)
        sys.exit(1 if stale or composition.problems else 0)
    target.parent.mkdir(exist_ok=True)
    target.write_text(composition.text)
    click.echo(f"{target}: {len(composition.guards)} guards")
