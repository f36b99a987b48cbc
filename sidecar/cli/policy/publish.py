"""`sidecar policy publish`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from sidecar.cli.audit.common import fail
from sidecar.cli.options import exit_with
from sidecar.cli.policy.common import as_json, ca_file, found, token_file

if TYPE_CHECKING:
    from sidecar.authoring.building import Built
    from sidecar.bundles.signing import VerifyingKey

EPILOG = """\b
Examples:
  sidecar policy publish policy.tar.gz https://registry.example --token-file engineer.token
  sidecar policy publish policy.tar.gz oci://images.example/policies/credit:production
  sidecar policy publish policy.tar.gz s3://bundles/credit/policy.tar.gz --public-key policy.pub

The bundle is examined first as the registry would: signed, composed, without a builtin that a policy may not call.
Exit codes: 0 published, 1 the bundle is not good, or what lies there is as new, 2 it cannot be brought there.
"""


@click.command("publish", epilog=EPILOG)
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PEM",
    help="Refuse a bundle that this key did not sign.",
)
@token_file
@ca_file
@as_json
def command(
    bundle: Path,
    target: str,
    *,
    public_key: Path | None,
    token_file: Path | None,
    ca_file: Path | None,
    as_json: bool,
) -> None:
    """Bring BUNDLE to TARGET: a registry (https://…), an OCI registry (oci://…), object storage (s3://…), a folder."""
    built = _examined(bundle, _key(public_key))
    place, told = _published(built, target, token_file, ca_file)
    shape = {
        "published": place,
        "revision": built.manifest.revision,
        "sequence": built.manifest.sequence,
        "registry": told,
    }
    text = f"{place}: revision {built.manifest.revision}, sequence {built.manifest.sequence}"
    click.echo(orjson.dumps(shape, option=orjson.OPT_INDENT_2) if as_json else text)


def _key(path: Path | None) -> VerifyingKey | None:
    from sidecar.bundles.invalid import KeyInvalid  # noqa: PLC0415 - not for `--help`
    from sidecar.bundles.signing import VerifyingKey  # noqa: PLC0415

    try:
        return None if path is None else VerifyingKey(path.read_bytes())
    except KeyInvalid as error:
        exit_with([f"--public-key {path}: {error}"])


def _examined(bundle: Path, key: VerifyingKey | None) -> Built:
    from sidecar.authoring.building import NotGood, examined  # noqa: PLC0415
    from sidecar.policy.compiling import find_compiler  # noqa: PLC0415
    from sidecar.policy.examine import Examiner  # noqa: PLC0415
    from sidecar.policy.problems import PolicyProblems  # noqa: PLC0415

    try:
        return examined(bundle.read_bytes(), Examiner(find_compiler(), key))
    except PolicyProblems as without:
        exit_with(without.problems)
    except NotGood as bad:
        found(bad.findings)


def _published(
    built: Built, target: str, token_file: Path | None, ca_file: Path | None
) -> tuple[str, dict[str, Any] | None]:
    """Where it is now, and what a registry said of it."""
    from sidecar.authoring.oci import SCHEME, push  # noqa: PLC0415
    from sidecar.authoring.places import NotPublished, put  # noqa: PLC0415

    if target.startswith(("https://", "http://")):
        return target, _registered(built, target, token_file, ca_file)
    try:
        return (push if target.startswith(SCHEME) else put)(built, target), None
    except NotPublished as error:
        if error.is_finding:
            fail(str(error))
        exit_with([str(error)])


def _registered(built: Built, url: str, token_file: Path | None, ca_file: Path | None) -> dict[str, Any]:
    from sidecar.cli.policy.registry import registry_client  # noqa: PLC0415 - an extra

    with registry_client(url, token_file, ca_file) as registry:
        from sidecar.registry.values import Conflict, Invalid  # noqa: PLC0415

        try:
            return registry.publish(built.archive)
        except (Conflict, Invalid) as refused:
            fail(f"{url}: {refused}")
