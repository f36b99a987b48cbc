"""`sidecar policy check`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sidecar.cli.policy.common import as_json, coverage, looked, root, vectors

EPILOG = """\b
Examples:
  sidecar policy check policy --data data.json
  sidecar policy check policy --coverage 90 --json | jq '.findings[].message'

Looked at: composition and builtins, format, `opa check --strict`, METADATA, reason codes, data, tests and what they
reach, decision vectors on both engines. What each wants: docs/policy-lifecycle.md.
Exit codes: 0 good, 1 findings, 2 it cannot look (no OPA, no such folder).
"""


@click.command("check", epilog=EPILOG)
@root
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Data that must fit the rules.",
)
@vectors
@coverage
@as_json
def command(root: Path, *, data: Path | None, vectors: Path | None, least_percent: float, as_json: bool) -> None:
    """Tell everything that is wrong with the policy in ROOT, each with its place and remedy.  [default: policy]"""
    from sidecar.authoring.check import Wanted, check  # noqa: PLC0415 - not for `--help`

    looked(partial(check, root, Wanted(data, vectors, least_percent)), as_json=as_json)
