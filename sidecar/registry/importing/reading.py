"""Several files at once: the format of each, and whether all of it can become records together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.registry.importing.csv_file import read_csv
from sidecar.registry.importing.data_file import is_data, read_data
from sidecar.registry.importing.entries import Defaults, Entry, NotRead
from sidecar.registry.importing.mlflow_file import is_mlflow, read_mlflow
from sidecar.registry.importing.positions import JsonFile
from sidecar.registry.store.bodies import PLACES, REVOCATIONS, key_problem, problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from sidecar.registry.importing.entries import Read
    from sidecar.registry.values import Json, Kind


TICK_RECORDS = 1_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What files hold, each record once; nothing of it is to be written where there is a problem."""

    entries: Sequence[Entry]
    problems: Sequence[str]

    def bodies(self) -> dict[Kind, dict[str, Json]]:
        """By kind and key, as the registry takes an import."""
        found: dict[Kind, dict[str, Json]] = {}
        for entry in self.entries:
            found.setdefault(entry.kind, {})[entry.key] = entry.body
        return found

    def with_places(self, told: Iterable[str]) -> list[str]:
        """What the registry says of records (`datasets.loans.parents: …`), each with its place in a file."""
        places = {_name(entry): entry for entry in self.entries}
        return [_placed(line, places) for line in told]


def read_files(
    paths: Iterable[Path],
    defaults: Defaults,
    now_unix_s: float,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Never raises for what a file holds: that is a problem, and they are all told. Raises OSError.

    `tick` is told now and then how many of all records have been looked at.
    """
    reads: list[Read | NotRead] = []
    for path in paths:
        try:
            reads.extend(_read(path, defaults))
        except NotRead as error:
            reads.append(error)
    entries: dict[tuple[Kind, str], Entry] = {}
    found: list[str] = []
    for number, read in enumerate(reads, 1):
        found += _added(entries, read, now_unix_s) if isinstance(read, Entry) else [str(read)]
        if number % TICK_RECORDS == 0 or number == len(reads):
            tick(number, len(reads))
    return Imported(tuple(entries.values()), tuple(found))


def _read(path: Path, defaults: Defaults) -> Iterator[Read]:
    if path.suffix.lower() == ".csv":
        yield from read_csv(path, defaults)
        return
    file = JsonFile(path)
    if is_data(file.value):
        yield from read_data(file)
    elif is_mlflow(file.value):
        yield from read_mlflow(file, defaults)
    else:
        raise NotRead(f"{path}: is neither a data document nor a record of MLflow; a table's name ends in .csv")


def _added(entries: dict[tuple[Kind, str], Entry], entry: Entry, now_unix_s: float) -> list[str]:
    """What is wrong with it, alone and beside those before."""
    place = (entry.kind, entry.key)
    if before := entries.get(place):
        same = before.body == entry.body
        return [] if same else [f"{entry.where}: {_name(entry)}: {before.where} says otherwise"]
    entries[place] = entry
    if problem := key_problem(entry.kind, entry.key):
        return [f"{entry.where}: {problem}"]
    # A revocation that does not say until when gets its end from the registry.
    end = {"until_unix_s": now_unix_s + 1} if entry.kind in REVOCATIONS else {}
    found = problems(entry.kind, entry.key, end | entry.body, None, now_unix_s)
    return [f"{entry.where}: {problem}" for problem in found]


def _name(entry: Entry) -> str:
    return ".".join(filter(None, (*PLACES[entry.kind], entry.key)))


def _placed(line: str, places: dict[str, Entry]) -> str:
    """A key may have dots and colons itself: the longest beginning that is a record's name is it."""
    ends = [match.start() for match in re.finditer(r"[.:]", line)]
    entry = next((places[line[:end]] for end in reversed(ends) if line[:end] in places), None)
    return line if entry is None else f"{entry.where}: {line}"
