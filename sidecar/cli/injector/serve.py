"""`sidecar injector serve`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from sidecar.cli.options import exit_with, setting_option
from sidecar.injector.serving.settings import InjectorSettings
from sidecar.settings import SettingsInvalid, load_as

if TYPE_CHECKING:
    from collections.abc import Callable

EPILOG = """\b
Examples:
  sidecar injector serve --config injector.yaml --certificate-dir /etc/tls --listen 0.0.0.0:9443
  sidecar injector serve --config injector.yaml --listen 0.0.0.0:9443 --admin 0.0.0.0:9081 \\
      --certificates self-managed --namespace policy-system --name policy --service policy-injector \\
      --registry-service policy-registry

POST /mutate puts the guard into a pod, POST /verify refuses one that is not as the guard would have it; both take an
AdmissionReview of admission.k8s.io/v1. When it is ready it prints one line of JSON on standard output. A configuration
or certificate that is replaced by one that is no good is told in the log and at /health/ready, and the last good one
goes on.

Exit codes: 0 stopped, 1 it broke down or had to give up what hung, 2 it cannot start, with every problem listed.
"""


def _flags(function: Callable[..., None]) -> Callable[..., None]:
    """A flag for each setting; `--config` is one of them here, and no file of settings."""
    for name, field in reversed(InjectorSettings.model_fields.items()):
        function = setting_option(name, field)(function)
    return function


@click.command("serve", epilog=EPILOG)
@_flags
def command(**flags: Any) -> None:
    """Serve the webhooks that guard pods: what the chart's injector does."""
    try:
        settings = load_as(InjectorSettings, {name: value for name, value in flags.items() if value is not None})
    except SettingsInvalid as invalid:
        exit_with(invalid.problems)
    from sidecar.injector.serving.running import serve  # noqa: PLC0415 - `--help` should not wait for its imports
    from sidecar.injector.serving.starting import StartProblems  # noqa: PLC0415

    try:
        code = serve(settings)
    except StartProblems as found:
        exit_with(found.problems)
    except ModuleNotFoundError as error:
        exit_with([f"{error.name} is not installed: run pip install 'model-policy-sidecar[injector]'"])
    sys.exit(code)
