"""`sidecar registry import`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidecar.cli.audit.common import progress
from sidecar.cli.registry.remote import asked, refuse, remote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sidecar.registry.client import RegistryClient
    from sidecar.registry.importing.entries import Defaults
    from sidecar.registry.importing.reading import Imported

EPILOG = """\b
Examples:
  sidecar registry import datasets.csv
  sidecar registry import data.json --dry-run
  mlflow runs describe --run-id ID > run.json
  sidecar registry import run.json --created 2026-11-20 --consent-scopes credit_scoring

A FILE that ends in .csv is a table of data sets, with the columns data_version, created, consent_scopes, parents,
source and checksum; several scopes or parents have spaces between them. Any other is JSON: a data document, as
`registry export` writes it, or what MLflow recorded of the data that runs used. Of MLflow's, the tags data_version,
created, consent_scopes and parents of an input are read; without the first, its name and digest are the data version.
All files are one change of the registry, or none. What is there already is replaced.
Exit codes: 0 written, 1 a problem (all are told, each with its line), 2 it cannot run.
"""


def _created(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    from sidecar.registry.importing.entries import unix_s  # noqa: PLC0415 - not for `--help`

    try:
        return None if value is None else unix_s(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("import", epilog=EPILOG)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@remote
@click.option("--created", metavar="TIME", callback=_created, help="When data sets were made that do not say it.")
@click.option("--consent-scopes", metavar="SCOPES", help="What data sets may be used for that do not say it.")
@click.option("--dry-run", is_flag=True, help="Look at the files only: nothing is sent.")
def command(
    connect: Callable[[], RegistryClient],
    *,
    files: tuple[Path, ...],
    created: float | None,
    consent_scopes: str | None,
    dry_run: bool,
) -> None:
    """Write what FILEs hold to the registry: data sets, models, group means, revocations, objections."""
    from sidecar.registry.importing.entries import Defaults, words  # noqa: PLC0415 - not for `--help`

    scopes = None if consent_scopes is None else tuple(words(consent_scopes))
    found = _read(files, Defaults(created, scopes))
    if found.problems:
        refuse(*found.problems, f"nothing is written: {len(found.problems):,} problems")
    counts = {kind: len(bodies) for kind, bodies in found.bodies().items()}
    click.echo(f"{', '.join(f'{count:,} of kind {kind}' for kind, count in counts.items()) or 'nothing'} to write")
    if not dry_run and counts:
        _write(connect, found)


def _read(files: Sequence[Path], defaults: Defaults) -> Imported:
    from sidecar.registry.importing.reading import read_files  # noqa: PLC0415 - not for `--help`

    with asked(), progress("Reading") as tick:
        return read_files(files, defaults, time.time(), tick)


def _write(connect: Callable[[], RegistryClient], found: Imported) -> None:
    from sidecar.registry.values import Invalid  # noqa: PLC0415 - not for `--help`

    with asked(), connect() as registry:
        try:
            changed = registry.load(found.bodies())
        except Invalid as invalid:
            refuse(*found.with_places(invalid.problems), "nothing is written")
            return
    click.echo(f"written: {', '.join(f'{count:,} new or changed of kind {kind}' for kind, count in changed.items())}")
