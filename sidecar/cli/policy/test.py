"""`sidecar policy test`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from sidecar.cli.policy.common import as_json, coverage, looked, root, vectors

if TYPE_CHECKING:
    from pathlib import Path

EPILOG = """\b
Examples:
  sidecar policy test policy
  sidecar policy test policy --coverage 0 --vectors candidates

Exit codes: 0 all hold, 1 findings, 2 it cannot run (no OPA, no such folder).
"""


@click.command("test", epilog=EPILOG)
@root
@vectors
@coverage
@as_json
def command(root: Path, *, vectors: Path | None, least_percent: float, as_json: bool) -> None:
    """Run the tests in ROOT, and ask its decision vectors of OPA and the embedded engine.  [default: policy]"""
    from sidecar.authoring.check import Wanted, exercise  # noqa: PLC0415 - not for `--help`

    looked(partial(exercise, root, Wanted(None, vectors, least_percent)), as_json=as_json)
