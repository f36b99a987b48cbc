"""`sidecar registry serve`."""

from __future__ import annotations

import sys
from typing import Any

import click

from sidecar.cli.options import exit_with, read_settings, settings_options
from sidecar.registry.serving.settings import RegistrySettings

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


@click.command("serve", epilog=EPILOG)
@settings_options(RegistrySettings)
def command(**flags: Any) -> None:
    """Serve the registry: its API, and the signed bundles that engines fetch."""
    settings = read_settings(RegistrySettings, flags)
    from sidecar.registry.serving.running import serve  # noqa: PLC0415 - `--help` should not wait for its imports
    from sidecar.registry.serving.starting import StartProblems  # noqa: PLC0415

    try:
        code = serve(settings)
    except StartProblems as found:
        exit_with(found.problems)
    sys.exit(code)
