"""`sidecar registry export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from sidecar.cli.audit.common import unix_ns
from sidecar.cli.registry.remote import asked, remote

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.registry.client import RegistryClient

EPILOG = """\b
Examples:
  sidecar registry export -o data.json && sidecar run --data data.json …
  sidecar registry export --at 2026-11-20T13:00:00Z | jq .models.credit.rules

The document has all that the registry's bundles have, revocations in one piece. With --at it is what held then.
Exit codes: 0 exported, 1 the registry refuses, 2 it does not answer, or FILE cannot be written.
"""


@click.command("export", epilog=EPILOG)
@remote
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Not to stdout.")
@click.option("--at", metavar="TIME", callback=unix_ns, help="As of then.  [default: now]")
def command(connect: Callable[[], RegistryClient], *, output: Path | None, at: int | None) -> None:
    """Print the registry's data as one document, which `sidecar run --data` takes."""
    from sidecar import durable  # noqa: PLC0415 - not for `--help`

    with asked(), connect() as registry:
        document = registry.export(None if at is None else at / 1e9)
        content = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        if output is None:
            sys.stdout.buffer.write(content)
        else:
            durable.replace(output, content)
