"""`sidecar policy build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from sidecar.cli.options import exit_with
from sidecar.cli.policy.common import as_json, found, root

if TYPE_CHECKING:
    from sidecar.authoring.building import Built
    from sidecar.bundles.manifest import Manifest
    from sidecar.bundles.signing import SigningKey

EPILOG = """\b
Examples:
  openssl ecparam -name prime256v1 -genkey -noout -out policy.pem && openssl ec -in policy.pem -pubout -out policy.pub
  sidecar policy build policy --signing-key policy.pem
  sidecar policy build policy --signing-key policy.pem --allow-dirty -o try.tar.gz --json

Exit codes: 0 built, 1 the policy is not good, or differs from its commit, 2 no key, no commit, no such folder.
"""


@click.command("build", epilog=EPILOG)
@root
@click.option(
    *("--output", "-o"),
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("policy.tar.gz"),
    show_default=True,
    metavar="FILE",
    help="Where the bundle goes.",
)
@click.option(
    "--signing-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    metavar="PEM",
    help="Private key that signs it: P-256 or RSA.",
)
@click.option("--key-id", default="policy", show_default=True, help="The key's name, in the signature.")
@click.option("--revision", metavar="TEXT", help="What decisions carry as its name.  [default: the commit of ROOT]")
@click.option(
    "--sequence",
    type=click.IntRange(min=0),
    help="Its place in the order of publication.  [default: Unix milliseconds]",
)
@click.option("--allow-dirty", is_flag=True, help="Build what differs from the commit, as <commit>-dirty.")
@as_json
def command(
    root: Path,
    *,
    output: Path,
    signing_key: Path,
    key_id: str,
    revision: str | None,
    sequence: int | None,
    allow_dirty: bool,
    as_json: bool,
) -> None:
    """Make the signed bundle of the policy in ROOT, less its tests.  [default: policy]"""
    from sidecar import durable  # noqa: PLC0415 - not for `--help`

    key = _key(signing_key, key_id)
    built = _built(root, _manifest(root, revision, sequence, allow_dirty=allow_dirty), key)
    durable.replace(output, built.archive, mode=0o644)
    told = {
        "bundle": str(output),
        "revision": built.manifest.revision,
        "sequence": built.manifest.sequence,
        "guards": built.guards,
    }
    text = (
        f"{output}: revision {built.manifest.revision}, sequence {built.manifest.sequence}, {len(built.guards)} guards"
    )
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2) if as_json else text)


def _key(path: Path, key_id: str) -> SigningKey:
    from sidecar.bundles.invalid import KeyInvalid  # noqa: PLC0415
    from sidecar.bundles.signing import SigningKey  # noqa: PLC0415

    try:
        return SigningKey(path.read_bytes(), key_id)
    except KeyInvalid as error:
        exit_with([f"--signing-key {path}: {error}"])


def _manifest(root: Path, revision: str | None, sequence: int | None, *, allow_dirty: bool) -> Manifest:
    from sidecar.authoring.findings import Finding  # noqa: PLC0415
    from sidecar.authoring.git import Dirty, NoCommit, revision_of  # noqa: PLC0415
    from sidecar.bundles.manifest import Manifest, next_sequence  # noqa: PLC0415
    from sidecar.model.clock import SystemClock  # noqa: PLC0415
    from sidecar.policy.examine import ROOTS  # noqa: PLC0415

    try:
        name = revision or revision_of(root, allow_dirty=allow_dirty)
    except NoCommit as error:
        exit_with([str(error)])
    except Dirty as dirty:
        remedy = "commit it, or build with --allow-dirty"
        found(Finding("bundle", "differs from the commit", file, remedy=remedy) for file in dirty.files)
    now_unix_s = SystemClock.unix_s()
    return Manifest(name, ROOTS, next_sequence(0, now_unix_s) if sequence is None else sequence, now_unix_s)


def _built(root: Path, manifest: Manifest, key: SigningKey) -> Built:
    from sidecar.authoring.building import NotGood, build  # noqa: PLC0415
    from sidecar.policy.compiling import find_compiler  # noqa: PLC0415
    from sidecar.policy.problems import PolicyProblems  # noqa: PLC0415

    try:
        return build(root, manifest, key, find_compiler())
    except PolicyProblems as without:
        exit_with(without.problems)
    except NotGood as bad:
        found(bad.findings)
