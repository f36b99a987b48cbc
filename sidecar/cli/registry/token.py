"""`sidecar registry token`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar import durable
from sidecar.cli.options import exit_with
from sidecar.registry.access.callers import Role
from sidecar.registry.access.token_file import FILE_LIMIT_BYTES, TokenFileInvalid, made, parse

EPILOG = """\b
Examples:
  sidecar registry token --tokens tokens.yaml --subject ana --role steward --person
  sidecar registry token --tokens tokens.yaml --subject credit-sidecars --role engine > engine.token
  sidecar registry token --tokens tokens.yaml --subject ci --role engineer

The token is printed once and kept nowhere: the file has its SHA-256. A registry that runs takes the file's change up
within a second. To withdraw a token, delete its line.

\b
Roles:
  engine    fetches bundles
  reader    reads everything
  steward   reads, and changes data sets, group means, revocations and objections
  engineer  reads, and changes models and policies
  admin     all of it
"""


@click.command("token", epilog=EPILOG)
@click.option("--tokens", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to add it to.")
@click.option("--subject", required=True, metavar="NAME", help="Who uses it, as the history will name them.")
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    type=click.Choice([role.value for role in Role]),
    help="What they may do.",
)
@click.option("--person", is_flag=True, help="A named human: may activate proposals.")
def command(tokens: Path, subject: str, roles: tuple[str, ...], *, person: bool) -> None:
    """Make a bearer token, let it in, and print it."""
    token, line = made(subject, [Role(role) for role in dict.fromkeys(roles)], person=person)
    try:
        present = tokens.read_bytes() if tokens.exists() else b""
        content = present + (b"" if not present or present.endswith(b"\n") else b"\n") + line.encode()
        parse(content, str(tokens))
        if len(content) > FILE_LIMIT_BYTES:
            exit_with([f"{tokens}: would be over {FILE_LIMIT_BYTES} bytes"])
        durable.replace(tokens, content)
    except TokenFileInvalid as invalid:
        exit_with([*invalid.problems, "nothing was changed; the file must be a YAML list with one token a line"])
    except OSError as error:
        exit_with([f"{tokens}: {error.strerror}"])
    click.echo(token)
