"""`python -m sidecar.ship`: ships one slot's log until SIGTERM. Started and supervised by `sidecar run`."""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import sidecar
from sidecar.durable import make_private
from sidecar.ledger.layout import Layout
from sidecar.ship.archive import ArchiveDestination
from sidecar.ship.cursor import CursorFile
from sidecar.ship.destination import LAST_ROUNDS_S
from sidecar.ship.environment import EnvironmentInvalid, read_environment
from sidecar.ship.loop import Pauses, ship
from sidecar.ship.store import StoreInvalid, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.ship.destination import Destination

NICENESS = 5
"""The data path comes first."""
PR_SET_PDEATHSIG = 1

logger = logging.getLogger("sidecar.ship")


def main(arguments: Sequence[str] | None = None) -> int:
    """Ships to every destination named; the exit code."""
    options = _options(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    _obey(stop, options.parent)
    os.nice(NICENESS)
    layout = Layout(options.slot_dir)
    make_private(layout.cursors)
    try:
        destinations = _destinations(layout, options.otlp, options.archive)
    except (StoreInvalid, EnvironmentInvalid) as error:
        logger.critical("%s", error)
        return 2
    with (layout.cursors / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one that was told to end may still be at its last round
        return _run(destinations, stop)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sidecar.ship", description=__doc__)
    parser.add_argument("--slot-dir", type=Path, required=True, help="the worker slot's folder in --audit-dir")
    parser.add_argument("--otlp", metavar="URL", help="where a collector listens for OTLP over HTTP")
    parser.add_argument("--archive", metavar="URL", help="a folder, or a URL that fsspec knows")
    parser.add_argument("--parent", type=int, metavar="PID", help="end when this process, our parent, is gone")
    return parser.parse_args(arguments)


def _obey(stop: threading.Event, parent: int | None) -> None:
    """SIGTERM ends it, and so does the parent's death. Ctrl-C in a terminal is for the parent, which drains first."""

    def end(number: int, frame: object) -> None:
        del number, frame
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent is not None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            stop.set()


def _destinations(layout: Layout, otlp: str | None, archive: str | None) -> list[Destination]:
    found: list[Destination] = []
    if otlp is not None:
        # What these import takes some 10 MiB, that only those pay who want it (extra `otlp`).
        from sidecar.ship.collector import Collector  # noqa: PLC0415
        from sidecar.ship.otlp import OtlpDestination  # noqa: PLC0415

        collector = Collector(otlp, read_environment(os.environ))
        cursor_file = CursorFile(layout.cursors, OtlpDestination.name)
        found.append(OtlpDestination(layout, cursor_file, collector, sidecar.__version__))
    if archive is not None:
        cursor_file = CursorFile(layout.cursors, ArchiveDestination.name)
        found.append(ArchiveDestination(layout, cursor_file, open_store(archive)))
    return found


def _run(destinations: Sequence[Destination], stop: threading.Event) -> int:
    """A thread each: one that hangs holds up no other."""
    failed: list[str] = []

    def work(destination: Destination) -> None:
        try:
            ship(destination, stop, Pauses(), LAST_ROUNDS_S[destination.name])
        except Exception:
            logger.exception("%s: a defect ends this process; it is started again", destination.name)
            failed.append(destination.name)
            stop.set()

    threads = [threading.Thread(target=work, args=[each], name=each.name, daemon=True) for each in destinations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
