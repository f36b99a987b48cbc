"""`sidecar audit witness`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.cli.audit.common import folder, opened, public_key

EPILOG = """\b
Examples:
  sidecar audit witness older-checkpoint audit > request
  curl --data-binary @request https://witness.example/add-checkpoint

Exit codes: 0 written, 1 the log does not continue that checkpoint, 2 there is no log.
"""


@click.command("witness", epilog=EPILOG)
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@folder
@public_key
def command(checkpoint: Path, folder: Path, public_key: Path | None) -> None:
    """Write what a C2SP witness asks for: the newest checkpoint, and the proof that it continues CHECKPOINT."""
    with opened(folder, public_key) as log:
        click.echo(log.witness(checkpoint.read_bytes()), nl=False)
