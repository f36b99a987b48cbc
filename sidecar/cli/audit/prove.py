"""`sidecar audit prove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import orjson

from sidecar.cli.audit.common import decision_id, folder, opened, public_key

if TYPE_CHECKING:
    from pathlib import Path

EPILOG = """\b
Examples:
  sidecar audit prove 6f0c1d… audit > decision.json
  sidecar audit verify --proof decision.json --public-key trusted.pub

Exit codes: 0 proven, 1 not (no such decision, not signed yet, or the log is not what was signed), 2 there is no log.
"""


@click.command("prove", epilog=EPILOG)
@decision_id
@folder
@public_key
def command(decision_id: str, folder: Path, public_key: Path | None) -> None:
    """Write a proof of one decision that stands alone: its records, C2SP tlog-proofs, checkpoint, key."""
    with opened(folder, public_key) as log:
        click.echo(orjson.dumps(log.prove(decision_id), option=orjson.OPT_INDENT_2))
