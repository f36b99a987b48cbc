"""`sidecar injector init`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidecar import durable
from sidecar.cli.options import exit_with
from sidecar.consent.jwks import ALGORITHMS, KeySetError, parse_jwks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.cli.injector.release_keys import Release

EPILOG = """\b
Examples:
  sidecar injector init --namespace policy-system --name policy --guard models --out keys
  sidecar injector init --namespace policy-system --name policy --guard credit --guard fraud \\
      --consent-keys jwks.json --out keys

\b
In DIR, for you alone:
  secrets.yaml      for the cluster: the registry's keys and tokens, and what the guards in each namespace need
  values.yaml       for the chart: the public keys
  policy.pem        signs policies; give it to who publishes them
  *.token           of the registry's admin, engineer and steward: give each to whose it is

Nothing is overwritten. A namespace that is guarded later gets a copy of the Secret of one that is guarded already.
Exit codes: 0 written, 2 something is in the way, with every problem listed.
"""
FOLDER_HELP = "Where to; a folder that is not there yet, or is empty."
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAMES = "write up to 63 lower-case letters, digits and dashes, no dash first or last"
NAME_LIMIT = 52
"""What the chart leaves of a name, for what it adds."""


@click.command("init", epilog=EPILOG)
@click.option("--namespace", required=True, metavar="NS", help="The release's namespace.")
@click.option("--name", required=True, metavar="NAME", help="Its full name, with which its objects begin.")
@click.option("--guard", "guarded", required=True, multiple=True, metavar="NS", help="A namespace to guard.")
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help=FOLDER_HELP)
@click.option("--secret", default="model-policy-sidecar", show_default=True, help="Its name in guarded namespaces.")
@click.option(
    "--consent-keys",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Key set (JWKS) of consent tokens, for the guards to verify them by.",
)
def command(
    *, namespace: str, name: str, guarded: tuple[str, ...], out: Path, secret: str, consent_keys: Path | None
) -> None:
    """Make the keys of a release: Secrets to apply, values for the chart, keys and tokens for people."""
    from sidecar.cli.injector.release_keys import VALUES_FILE, Release, release_files  # noqa: PLC0415 - an extra

    jwks = consent_keys.read_bytes() if consent_keys else None
    release = Release(namespace, name, tuple(dict.fromkeys(guarded)), secret, jwks)
    if problems := [*_problems(release), *_in_the_way(out)]:
        exit_with(problems)
    files = release_files(release)
    for file, content in files.items():
        if not durable.create_once(out / file, content, 0o644 if file == VALUES_FILE else 0o600):
            exit_with([f"{out / file}: is there already; nothing is overwritten"])
    click.echo(f"{out}: {', '.join(files)}\n\n{_next_commands(release, out)}")


def _problems(release: Release) -> Iterator[str]:
    named = {"--namespace": [release.namespace], "--guard": release.guarded, "--name": [release.name]}
    for flag, names in (named | {"--secret": [release.secret]}).items():
        yield from (
            f"{flag}: {name!r} is no name in Kubernetes; {_NAMES}" for name in names if not _NAME.fullmatch(name)
        )
    if len(release.name) > NAME_LIMIT:
        yield f"--name: {release.name!r} is longer than {NAME_LIMIT} characters"
    if release.namespace in release.guarded:
        yield f"--guard: {release.namespace} is the release's own namespace, whose pods are never guarded"
    try:
        if release.consent_keys is not None:
            parse_jwks(release.consent_keys, ALGORITHMS)
    except KeySetError as error:
        yield from (f"--consent-keys: {problem}" for problem in error.problems)


def _in_the_way(out: Path) -> Iterator[str]:
    if out.exists() and not out.is_dir():
        yield f"--out: {out} is no folder"
    elif out.exists() and any(out.iterdir()):
        yield f"--out: {out} is not empty, and keys are never overwritten: choose another folder"


def _next_commands(release: Release, out: Path) -> str:
    namespace, name = release.namespace, release.name
    labels = "\n".join(
        f"  kubectl label namespace {each} model-policy-sidecar.io/guard=labelled" for each in release.guarded
    )
    return f"""\
Next:
  kubectl create namespace {namespace}    # and {" and ".join(release.guarded)}, where they are new
  kubectl apply -f {out}/secrets.yaml
  helm upgrade --install {name} helm/model-policy-sidecar --namespace {namespace} --values {out}/values.yaml
{labels}
Then keep secrets.yaml where you keep secrets, or destroy it: the cluster has it all."""
