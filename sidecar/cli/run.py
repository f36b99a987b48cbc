"""`sidecar run`."""

from __future__ import annotations

import sys
from typing import Any

import click

from sidecar.app.memory import map_large_blocks
from sidecar.cli.options import exit_with, read_settings, settings_options
from sidecar.settings import Settings

EPILOG = """\b
Examples:
  sidecar run --upstream http://127.0.0.1:8080 --server mlserver --data data.json \\
      --consent-keys jwks.json --consent-issuer https://issuer.example --consent-audience credit
  sidecar run --config sidecar.yaml --mode shadow
  SIDECAR_ENGINE=opa sidecar run --config sidecar.yaml --opa unix:///run/opa/opa.sock
  sidecar run --config sidecar.yaml --workers 2

When it is ready it prints one line of JSON on standard output; logs go to standard error.
SIGTERM: finishes what is in flight within 10 s. Exit codes: 0 stopped, 1 failed while running (the audit
log broke), 2 bad configuration, with every problem listed.
"""


@click.command("run", epilog=EPILOG)
@settings_options(Settings)
def command(**flags: Any) -> None:
    """Guard one model server: judge every request and every response, and keep a record of each."""
    map_large_blocks()
    settings = read_settings(Settings, flags)
    from sidecar.app.problems import StartProblems  # noqa: PLC0415 - `--help` and bad settings should not wait for it

    try:
        code = _serve(settings)
    except StartProblems as found:
        exit_with(found.problems)
    sys.exit(code)


def _serve(settings: Settings) -> int:
    if settings.workers > 1:
        from sidecar.app.workers.supervisor import supervise  # noqa: PLC0415

        return supervise(settings)
    from sidecar.app.serving import serve  # noqa: PLC0415

    return serve(settings)
