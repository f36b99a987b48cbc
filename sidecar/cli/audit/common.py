"""What the verbs of `sidecar audit` share: arguments, progress, and how they end where there is no log."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from sidecar.cli.options import exit_with
from sidecar.evidence import AuditLog
from sidecar.evidence.export import NotExported
from sidecar.evidence.folders import NoLog
from sidecar.evidence.log import KeysMissing, UnknownDecision
from sidecar.evidence.printable import printable
from sidecar.evidence.prove import NotProven
from sidecar.evidence.verify.run import RetentionRan
from sidecar.ledger.segments import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_DECISION_ID = re.compile(r"[0-9a-f]{32}")

folder = click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("audit"))
public_key = click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The public keys to trust, a vkey a line.  [default: DIR.pub, beside the audit folder]",
)


def _check_id(_: click.Context, __: click.Parameter, value: str) -> str:
    lower = value.lower()
    if not _DECISION_ID.fullmatch(lower):
        raise click.BadParameter("a decision id has 32 hexadecimal digits: see X-Decision-Id of an answer")
    return lower


def unix_ns(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """A date, or a date and time; UTC where no offset is given."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time: write 2026-11-20 or 2026-11-20T13:00:00Z") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


decision_id = click.argument("decision_id", callback=_check_id)
since = click.option("--since", metavar="TIME", callback=unix_ns, help="Only records from this time on.")
until = click.option("--until", metavar="TIME", callback=unix_ns, help="Only records before this time.")
engine = click.option(
    "--engine",
    type=click.Choice(["auto", "opa", "embedded"]),
    default="auto",
    show_default=True,
    help="auto: the one that decided, where it is installed.",
)


@contextmanager
def ended(path: Path) -> Generator[None]:
    """Exits 2 where there is no log in a folder or it cannot be read, 1 where what is asked of it cannot be given."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of the output has seen enough: the group ends the verb
    except (NoLog, KeysMissing, RetentionRan, OSError, ValueError) as error:
        exit_with([printable(str(error))])
    except Damaged as error:
        fail(f"{error}; `sidecar audit verify {path}` tells more")
    except (UnknownDecision, NotProven, NotExported) as error:
        fail(str(error))


@contextmanager
def opened(path: Path, key_file: Path | None = None) -> Generator[AuditLog]:
    """The logs in a folder; ends as `ended` does."""
    with ended(path):
        yield AuditLog.open(path, public_key=key_file)


def fail(message: str) -> NoReturn:
    """Says it on standard error and exits 1."""
    click.echo(f"sidecar: {printable(message)}", err=True)
    sys.exit(1)


@contextmanager
def progress(label: str) -> Generator[Callable[[int, int], None]]:
    """A bar on standard error where that is a terminal; the function takes what is done and all there is."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def tick(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield tick
