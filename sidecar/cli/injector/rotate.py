"""`sidecar injector rotate`."""

from __future__ import annotations

import click

from sidecar.cli.options import exit_with

EPILOG = """\b
Examples:
  sidecar injector rotate --namespace policy-system --name policy
  kubectl -n policy-system exec deploy/policy-injector -- \\
      sidecar injector rotate --namespace policy-system --name policy --ca

In a pod it acts as its service account, elsewhere as kubectl would. Injectors serve the new certificates within 20 s,
the registry when its kubelet has brought them, a minute or two later. With --ca, OPA in guarded pods trusts the new
authority itself from the pod's next creation on; until the old one ends, it follows the new one by the old one's word.

An authority whose key was stolen must not be followed: remove `data` from Secret NAME-ca, and make guarded pods anew.

Exit codes: 0 renewed, 2 it cannot be done, and why.
"""


@click.command("rotate", epilog=EPILOG)
@click.option(
    "--namespace", required=True, envvar="SIDECAR_INJECTOR_NAMESPACE", help="Where the release's Secrets are."
)
@click.option("--name", required=True, envvar="SIDECAR_INJECTOR_NAME", help="The release's full name.")
@click.option("--ca", "with_authority", is_flag=True, help="Also the authority that signs them.")
def command(*, namespace: str, name: str, with_authority: bool) -> None:
    """Renew now the certificates of injector and registry that the injector manages itself."""
    try:
        from sidecar.injector.certificates.kubernetes_store import KubernetesStore  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        exit_with([f"{error.name} is not installed: run pip install 'model-policy-sidecar[injector]'"])
    from sidecar.injector.certificates.plan import Renew  # noqa: PLC0415 - not for `--help`
    from sidecar.injector.certificates.store import StoreFailed  # noqa: PLC0415
    from sidecar.injector.certificates.upkeep import Names, rotate  # noqa: PLC0415
    from sidecar.injector.serving.certificates import utc_now  # noqa: PLC0415
    from sidecar.model.clock import SystemClock  # noqa: PLC0415

    try:
        store = KubernetesStore(namespace, name)
        renew = Renew.ALL if with_authority else Renew.LEAVES
        planned = rotate(store, Names(name), renew, lambda: utc_now(SystemClock()))
    except StoreFailed as failed:
        exit_with([str(failed)])
    for certificate, end in planned.ends.items():
        click.echo(f"{certificate}: until {end:%Y-%m-%d %H:%M} UTC")
