"""`sidecar version`."""

from __future__ import annotations

import json
import platform
import subprocess

import click

import sidecar
from sidecar.policy.binding import installed
from sidecar.policy.child import find_opa


@click.command("version", epilog="\b\nExamples:\n  sidecar version\n  sidecar version --json")
@click.option("--json", "as_json", is_flag=True, help="For a machine.")
def command(*, as_json: bool) -> None:
    """Print versions of the sidecar and its engines."""
    versions = {
        "sidecar": sidecar.__version__,
        "python": platform.python_version(),
        "opa": _opa_version(),
        "regorus": _regorus_version(),
    }
    if as_json:
        click.echo(json.dumps(versions))
        return
    for name, found in versions.items():
        click.echo(f"{name:8} {found or 'not found'}")


def _regorus_version() -> str | None:
    kind = installed()
    return None if kind is None else str(kind)


def _opa_version() -> str | None:
    binary = find_opa()
    if binary is None:
        return None
    shown = subprocess.run([binary, "version"], capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    return shown.stdout.splitlines()[0].removeprefix("Version: ")
