"""`sidecar audit show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sidecar.cli.audit.common import decision_id, folder, opened, public_key

if TYPE_CHECKING:
    from pathlib import Path

EPILOG = """\b
Examples:
  sidecar audit show 6f0c1d… audit
  sidecar audit show 6f0c1d… audit --json | jq .decision.reasons

Exit codes: 0 told, 1 no such decision, 2 there is no log.
"""


@click.command("show", epilog=EPILOG)
@decision_id
@folder
@public_key
@click.option("--json", "as_json", is_flag=True, help="The records as they are, one a line.")
def command(decision_id: str, folder: Path, public_key: Path | None, *, as_json: bool) -> None:
    """Tell the story of one decision, in order, and whether its records are proven."""
    with opened(folder, public_key) as log:
        if as_json:
            for one in log.coverage(decision_id):
                click.echo(one.record)
        else:
            click.echo(log.show(decision_id))
