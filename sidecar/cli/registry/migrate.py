"""`sidecar registry migrate`."""

from __future__ import annotations

import click
from sqlalchemy.exc import DBAPIError

from sidecar.cli.options import exit_with
from sidecar.registry.serving.settings import DATABASE
from sidecar.registry.store.database import DatabaseUnfit, migrate

EPILOG = """\b
Examples:
  sidecar registry migrate
  sidecar registry migrate --database postgresql://registry@db.internal/registry

All of a migration is done, or nothing: one that fails leaves the database as it was. Back it up before, all the same,
and stop older registries on it. Exit codes: 0 done, 2 not done.
"""


@click.command("migrate", epilog=EPILOG)
@click.option(
    "--database",
    default=DATABASE,
    envvar="SIDECAR_REGISTRY_DATABASE",
    metavar="URL",
    help=f"As for `sidecar registry serve`.  [default: {DATABASE}]",
)
def command(database: str) -> None:
    """Make the tables in an empty database, or bring those of an older version to this one."""
    try:
        migrate(database)
    except DatabaseUnfit as error:
        exit_with([f"--database: {error}"])
    except DBAPIError as error:
        exit_with([f"--database: nothing was changed: {' '.join(str(error.orig).split())}"])
    click.echo("the database is at this version's revision")
