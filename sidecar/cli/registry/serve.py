"""`sidecar registry serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidecar.cli.options import default_text, exit_with
from sidecar.registry.settings import RegistrySettings, load
from sidecar.settings import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

EPILOG = """\b
Examples:
  sidecar registry token --tokens tokens.yaml --subject ana --role steward --person
  sidecar registry serve --tokens tokens.yaml
  sidecar registry serve --tokens tokens.yaml --policy-key policy.pub.pem --subject-key audit.subject-key
  sidecar registry serve --database postgresql://registry@db.internal/registry --signing-key registry.pem \\
      --token-keys https://login.example/jwks --token-issuer https://login.example --token-audience registry \\
      --listen 0.0.0.0:8095 --tls-cert cert.pem --tls-key key.pem

A fresh SQLite file is made ready here; any other database needs `sidecar registry migrate` first. When it is ready it
prints one line of JSON on standard output: where it listens, and the bundles that it serves. SIGTERM: answers all who
wait and ends within 5 s. Exit codes: 0 stopped, 1 it had to give up what hung, 2 it cannot start, with every problem
listed.
"""


def _settings_options(function: Callable[..., None]) -> Callable[..., None]:
    for name, field in reversed(RegistrySettings.model_fields.items()):
        is_switch = field.annotation is bool
        default = None if is_switch else default_text(field)
        function = click.option(
            "--" + name.replace("_", "-"),
            type=str,  # not click's own types: those would report only the first flag that is wrong
            is_flag=is_switch,
            flag_value="true" if is_switch else None,
            default=None,
            metavar=None if is_switch else name.rsplit("_", 1)[-1].upper(),
            help=str(field.description) + (f"  [default: {default}]" if default else ""),
        )(function)
    config = click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="YAML file with settings.")
    return config(function)


@click.command("serve", epilog=EPILOG)
@_settings_options
def command(config: Path | None, **flags: Any) -> None:
    """Serve the registry: its API, and the signed bundles that engines fetch."""
    try:
        settings = load({name: value for name, value in flags.items() if value is not None}, config)
    except SettingsInvalid as invalid:
        exit_with(invalid.problems)
    from sidecar.registry.serving import serve  # noqa: PLC0415 - `--help` should not wait for its imports
    from sidecar.registry.starting import StartProblems  # noqa: PLC0415

    try:
        code = serve(settings)
    except StartProblems as found:
        exit_with(found.problems)
    sys.exit(code)
