"""`sidecar registry opa-config`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import yaml

from sidecar.bundles.invalid import KeyInvalid
from sidecar.bundles.signing import VerifyingKey
from sidecar.cli.options import exit_with
from sidecar.registry.shelf.opa_config import Registry, configuration

if TYPE_CHECKING:
    from collections.abc import Callable

EPILOG = """\b
Examples:
  sidecar registry opa-config --url https://registry.internal:8095 --public-key registry.db.key.pub.pem \\
      --policy-key policy.pub.pem --token-file /run/secrets/registry-token > opa.yaml
  opa run --server --addr unix:///run/opa/opa.sock --config-file opa.yaml

OPA then takes nothing that is not signed, keeps what it has on its disk (`persistence_directory`, by default .opa in
its working folder), and waits at the registry for what is new. docs/bundles.md has more.
"""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("opa-config", epilog=EPILOG)
@click.option("--url", required=True, help="The registry, as OPA reaches it.")
@click.option("--public-key", required=True, type=_FILE, help="Of the registry: beside its signing key, *.pub.pem.")
@click.option("--policy-key", required=True, type=_FILE, help="Public key (PEM) of who signs policies.")
@click.option("--token-file", type=click.Path(path_type=Path), help="Where OPA finds its `engine` token.")
@click.option("--ca-file", type=click.Path(path_type=Path), help="Authorities to trust instead of the system's.")
def command(url: str, public_key: Path, policy_key: Path, token_file: Path | None, ca_file: Path | None) -> None:
    """Print OPA's configuration for the four bundles of a registry, as YAML."""
    if not url.startswith(("https://", "http://")):
        exit_with([f"--url: {url!r} is neither http:// nor https://"])
    keys: list[VerifyingKey] = []
    problems: list[str] = []
    for flag, path in (("--public-key", public_key), ("--policy-key", policy_key)):
        try:
            keys.append(VerifyingKey(path.read_bytes()))
        except KeyInvalid as error:
            problems.append(f"{flag}: {path}: {error}")
    if problems:
        exit_with(problems)
    document = configuration(Registry(url.rstrip("/"), token_file, ca_file), *keys)
    click.echo(yaml.dump(document, Dumper=_Readable, sort_keys=False), nl=False)


class _Readable(yaml.SafeDumper):
    """Keys (PEM) as the blocks that they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    represent: Callable[..., yaml.ScalarNode] = cast("Any", dumper).represent_scalar  # its stubs lack a type
    return represent("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)
