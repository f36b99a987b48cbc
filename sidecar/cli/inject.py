"""`sidecar inject`: guarding without a webhook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from sidecar import durable
from sidecar.cli.options import exit_with
from sidecar.evidence.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.values import Json

EPILOG = """\b
Examples:
  sidecar inject -f deployment.yaml --config injector.yaml > guarded.yaml
  sidecar inject -f model.yaml --config injector.yaml --registry-ca ca.crt -o model.yaml
  kustomize build . | sidecar inject -f - --config injector.yaml | kubectl apply -f -

Every Pod, and the pods of every Deployment, StatefulSet, DaemonSet, ReplicaSet, Job and CronJob are guarded as the
webhook would; other documents stay as they are. What is guarded already comes out the same, or with a new
configuration's guard. Comments are lost: keep what you wrote, and make the guarded manifest from it.

A ResourceList comes out as one, so this is a KRM function for Kustomize (kustomize/guard/); the configuration may then
be the `spec` of its function's configuration.

Exit codes: 0 written, 1 one is refused and nothing is written (every problem is told), 2 it cannot run.
"""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("inject", epilog=EPILOG)
@click.option(
    "-f", "--file", required=True, metavar="FILE", help="Manifests (YAML or JSON); - for standard input.",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)  # fmt: skip
@click.option("--config", "config_file", type=_FILE, metavar="FILE", help="The injector's configuration (YAML).")
@click.option("--registry-ca", "ca_file", type=_FILE, metavar="FILE", help="Whom OPA trusts at the registry (PEM).")
@click.option("--namespace", default="default", show_default=True, help="Of manifests that name none.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to.  [default: stdout]")
def command(*, file: Path, config_file: Path | None, ca_file: Path | None, namespace: str, output: Path | None) -> None:
    """Write manifests with their pods guarded: what a webhook would do, before anything reaches a cluster."""
    from sidecar.cli.injector.guarding import Guarding, read  # noqa: PLC0415 - not for `--help`
    from sidecar.cli.injector.manifests import ManifestInvalid, dump  # noqa: PLC0415
    from sidecar.injector.config import ConfigInvalid  # noqa: PLC0415

    try:
        documents = read(file)
        guarding = Guarding(_config(config_file, documents), _authority(ca_file), namespace)
    except (ConfigInvalid, ManifestInvalid) as invalid:
        exit_with(invalid.problems)
    guarded = [guarding.document(document) for document in documents]
    if guarding.refusals:
        for problem in guarding.problems:
            click.echo(f"sidecar: {printable(problem)}", err=True)
        sys.exit(1)
    told = [f"{done.name} is guarded" for done in guarding.done]
    for line in told or [f"{file}: nothing in it has a pod template; it comes out as it was"]:
        click.echo(printable(f"sidecar: {line}"), err=True)
    _write(dump(guarded), output)


def _config(file: Path | None, documents: Sequence[Json]) -> InjectorConfig:
    """Raises `ConfigInvalid`."""
    from sidecar.cli.injector.guarding import is_list  # noqa: PLC0415 - not for `--help`
    from sidecar.cli.injector.manifests import dump  # noqa: PLC0415
    from sidecar.injector.config import ConfigInvalid, InjectorConfig  # noqa: PLC0415

    if file is not None:
        return InjectorConfig.load(file)
    for document in documents:
        function = document.get("functionConfig")
        spec = cast("Json", function).get("spec") if isinstance(function, dict) else None
        if is_list(document) and isinstance(spec, dict):
            return InjectorConfig.parse(dump([cast("Json", spec)]), "functionConfig.spec")
    raise ConfigInvalid(["--config: is required; the chart's ConfigMap of the injector has one: docs/kubernetes.md"])


def _authority(file: Path | None) -> str | None:
    try:
        return file.read_text("ascii") if file else None
    except (OSError, UnicodeDecodeError) as error:
        exit_with([f"--registry-ca: {file}: {error}"])


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        durable.replace(output, text.encode(), mode=0o644)
    except OSError as error:
        exit_with([f"{output}: {error.strerror}"])
