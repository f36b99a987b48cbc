"""`sidecar audit export`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sidecar.cli.audit.common import folder, opened, progress

EPILOG = """\b
Examples:
  sidecar audit export audit | jq -r .kind | sort | uniq -c
  sidecar audit export audit/0 --tlog site && fsck --storage_url file://$PWD/site --public_key trusted.pub

Exit codes: 0 exported, 1 the log is damaged or not whole, 2 there is no log, or OUT is not empty.
"""


@click.command("export", epilog=EPILOG)
@folder
@click.option(
    "--tlog",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="OUT",
    help="Write one log to a new folder as a C2SP tlog-tiles site, which standard tools read.",
)
def command(folder: Path, tlog: Path | None) -> None:
    """Print all records of DIR as JSON lines, in order: the exact bytes of the log."""
    with opened(folder) as log:
        if tlog is None:
            for record in log.records():
                sys.stdout.buffer.write(record + b"\n")
            return
        with progress("exporting") as tick:
            count = log.export_tlog(tlog, tick)
        click.echo(f"{tlog}: {count:,} records")
