"""`sidecar injector explain`."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

import sidecar
from sidecar.cli.options import exit_with
from sidecar.evidence.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.cli.injector.guarding import Done
    from sidecar.injector.config import InjectorConfig

EPILOG = """\b
Examples:
  sidecar injector explain -f deployment.yaml
  sidecar injector explain -f deployment.yaml --config injector.yaml
  kubectl get deployment credit -o yaml | sidecar injector explain -f -

For each pod, and each Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob, it prints what is decided and
why, then the difference as a patch of YAML. Without --config it is shown with the chart's defaults.
Exit codes: 0 all can be guarded, 1 one is refused (every problem is told, with its remedy), 2 it cannot run.
"""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command("explain", epilog=EPILOG)
@click.option(
    "-f", "--file", required=True, metavar="FILE", help="Manifests (YAML or JSON); - for standard input.",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)  # fmt: skip
@click.option("--config", "config_file", type=_FILE, metavar="FILE", help="The injector's configuration (YAML).")
def command(*, file: Path, config_file: Path | None) -> None:
    """Show what guarding does to a manifest, and why; or why it is refused."""
    from sidecar.cli.injector.guarding import Guarding, read  # noqa: PLC0415 - not for `--help`
    from sidecar.cli.injector.manifests import ManifestInvalid  # noqa: PLC0415
    from sidecar.injector.config import ConfigInvalid  # noqa: PLC0415

    try:
        guarding = Guarding(_config(config_file), registry_ca=None)
        for document in read(file):
            guarding.document(document)
    except (ConfigInvalid, ManifestInvalid) as invalid:
        exit_with(invalid.problems)
    if not guarding.done and not guarding.refusals:
        exit_with([f"{file}: nothing in it has a pod template; give a Pod, or a Deployment or the like"])
    for done in guarding.done:
        for line in _told(done):
            click.secho(line, fg=_COLOURS.get(line[:1]))
    for problem in guarding.problems:
        click.echo(f"sidecar: {printable(problem)}", err=True)
    sys.exit(1 if guarding.refusals else 0)


def _config(file: Path | None) -> InjectorConfig:
    from sidecar.injector.config import InjectorConfig  # noqa: PLC0415

    if file is not None:
        return InjectorConfig.load(file)
    click.echo("sidecar: without --config it is shown with the chart's defaults, and an example's consent", err=True)
    return InjectorConfig(
        sidecar_image=f"model-policy-sidecar:{sidecar.__version__}",
        opa_config="# the chart writes it: docs/bundles.md\n",
        settings={
            "consent_keys": "https://issuer.example/jwks.json",
            "consent_issuer": "https://issuer.example",
            "consent_audience": "models",
        },
    )


def _told(done: Done) -> Iterator[str]:
    from sidecar.cli.injector.manifests import dump  # noqa: PLC0415

    yield printable(f"{done.name}:")
    yield from (printable(f"  {line}") for line in done.guarded.explanation)
    yield ""
    before, after = (dump([manifest]).splitlines() for manifest in (done.before, done.guarded.pod))
    name = printable(done.name)
    yield from map(printable, difflib.unified_diff(before, after, name, f"{name}, guarded", lineterm=""))
    yield ""
