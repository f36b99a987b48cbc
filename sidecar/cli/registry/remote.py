"""What the verbs share that ask a registry by its API: which one, as whom, and how they end where it refuses."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sidecar.cli.options import exit_with
from sidecar.evidence.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sidecar.registry.client import RegistryClient

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--url",
        default="http://127.0.0.1:8095",
        envvar="SIDECAR_REGISTRY_URL",
        show_default=True,
        show_envvar=True,
        help="The registry.",
    ),
    click.option(
        "--token-file",
        type=_FILE,
        metavar="FILE",
        help="Who asks: a bearer token.  [default: $SIDECAR_REGISTRY_TOKEN, or nobody]",
    ),
    click.option(
        "--ca-file", type=_FILE, metavar="FILE", help="Authorities to trust for https.  [default: the system's]"
    ),
)


def remote(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say which registry and as whom; the function gets `connect`, which makes the client."""

    @wraps(function)
    def with_client(*, url: str, token_file: Path | None, ca_file: Path | None, **options: Any) -> None:
        function(connect=lambda: connected(url, token_file, ca_file), **options)

    for option in reversed(_OPTIONS):
        with_client = option(with_client)
    return with_client


def connected(url: str, token_file: Path | None, ca_file: Path | None = None) -> RegistryClient:
    """A client with the token of the file or the environment; exits 2 where there can be none."""
    try:
        from sidecar.registry.client import RegistryClient, read_token  # noqa: PLC0415 - an extra, and not for `--help`
    except ModuleNotFoundError as error:
        exit_with([f"{error.name} is not installed: pip install model-policy-sidecar[registry]"])
    try:
        return RegistryClient(url, read_token(token_file), ca_file=ca_file)
    except (OSError, ValueError) as error:
        exit_with([str(error)])


@contextmanager
def asked() -> Generator[None]:
    """Exits 1 with all that the registry says against it, 2 where it does not answer or a file cannot be read."""
    from sidecar.registry.client import Unreachable  # noqa: PLC0415 - not for `--help`
    from sidecar.registry.values import RegistryRefused  # noqa: PLC0415

    try:
        yield
    except RegistryRefused as refused:
        refuse(*refused.problems)
    except (Unreachable, OSError) as error:
        exit_with([printable(str(error))])


def refuse(*problems: str) -> NoReturn:
    """Prints all problems on standard error and exits 1."""
    for problem in problems:
        click.echo(f"sidecar: {printable(problem)}", err=True)
    sys.exit(1)
