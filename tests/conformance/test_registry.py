"""What the registry promises, on each database that it runs on: nothing is lost, whoever writes and whatever dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.registry.values import Author, Invalid, Kind, Stale
from tests.budgets import examples
from tests.registries import ANN, NOW_UNIX_S, SYSTEMS, Opened, SetClock, databases_of, pseudonym

if TYPE_CHECKING:
    from collections.abc import Generator

    from sidecar.registry.store.registry import Registry
    from tests.registries import Databases

WRITERS = 4
CHANGES = 12
TOGETHER = 5
DATASET = {"created_unix_s": 0, "consent_scopes": ["credit_scoring"]}


@pytest.fixture(scope="module", params=SYSTEMS)
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Databases]:
    with databases_of(request.param, tmp_path_factory.mktemp("databases")) as made:
        yield made


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.fresh()


def dataset(number: int) -> dict[str, Any]:
    return DATASET | {"created_unix_s": number}


def holds_together(registry: Registry) -> None:
    """The history is without gaps, its sequences never fall, and what it tells is what is there."""
    lines = registry.history(limit=100_000)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert all(one.sequence <= other.sequence for one, other in pairwise(lines))
    assert registry.sequence() == lines[-1].sequence
    assert registry.export() == registry.export(2**40)


def test_writers_at_once_lose_nothing_and_share_no_sequence(url: str) -> None:
    """Each a process of its own, as far as the database knows, with a clock of its own."""

    def count_up(writer: int) -> None:
        with closing(Opened(url, SetClock(NOW_UNIX_S - 100 * writer))) as opened:
            for _ in range(CHANGES):
                while not raised(opened.registry, Author(str(writer))):
                    pass

    def raised(registry: Registry, by: Author) -> bool:
        found = registry.get(Kind.DATASET, "count")
        assert found is not None
        try:
            registry.put(
                Kind.DATASET,
                "count",
                dataset(int(str(found.body["created_unix_s"])) + 1),
                by=by,
                if_match=found.version,
            )
        except Stale:
            return False
        return True

    with closing(Opened(url)) as opened:
        opened.registry.put(Kind.DATASET, "count", DATASET, by=ANN, if_match=None)
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(count_up, range(WRITERS)))
        found = opened.registry.get(Kind.DATASET, "count")
        assert found is not None
        assert (found.version, found.body) == (WRITERS * CHANGES + 1, dataset(WRITERS * CHANGES))
        lines = opened.registry.history(after=1, limit=1_000)
        assert len({line.sequence for line in lines}) == WRITERS * CHANGES
        assert [line.before for line in lines] == [dataset(number) for number in range(WRITERS * CHANGES)]
        assert Counter(line.by for line in lines) == {str(writer): CHANGES for writer in range(WRITERS)}
        holds_together(opened.registry)


def test_of_several_who_build_on_one_version_one_goes_through(url: str) -> None:
    with closing(Opened(url)) as opened:
        registry = opened.registry
        registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
        start = threading.Barrier(WRITERS)

        def put(number: int) -> bool:
            start.wait()
            try:
                registry.put(Kind.DATASET, "d", dataset(number + 1), by=ANN, if_match=1)
            except Stale:
                return False
            return True

        with ThreadPoolExecutor(WRITERS) as pool:
            assert sum(pool.map(put, range(WRITERS))) == 1


def test_readers_see_whole_changes_only(url: str) -> None:
    with closing(Opened(url)) as writer, closing(Opened(url)) as reader, ThreadPoolExecutor(1) as pool:

        def write() -> None:
            for number in range(CHANGES):
                items = [(str(key), dataset(number)) for key in range(TOGETHER)]
                writer.registry.put_many(Kind.DATASET, items, by=ANN)

        writing, seen = pool.submit(write), list[tuple[int, Any]]()
        while not writing.done() or not seen:
            document = reader.registry.data_document()
            seen.append((document.sequence, document.json["datasets"]))
        writing.result()
        for sequence, datasets in seen:
            assert len({repr(each) for each in datasets.values()}) <= 1
            assert all(other == datasets for same, other in seen if same == sequence)
        assert [sequence for sequence, _ in seen] == sorted(sequence for sequence, _ in seen)


WRITE_ON = f"""
import sys
from itertools import count
from sidecar.registry.values import Kind
from tests.conformance.test_registry import dataset
from tests.registries import ANN, Opened

registry = Opened(sys.argv[1]).registry
for number in count():
    registry.put_many(Kind.DATASET, [(str(key), dataset(number)) for key in range({TOGETHER})], by=ANN)
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_whole_changes(url: str) -> None:
    for round_number in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITE_ON, url], stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            told = [int(process.stdout.readline()) for _ in range(3 + round_number)]
            process.send_signal(signal.SIGKILL)
        with closing(Opened(url)) as opened:
            holds_together(opened.registry)
            datasets: Any = opened.registry.export()["datasets"]
            [number] = {each["created_unix_s"] for each in datasets.values()}
            assert (len(datasets), number >= told[-1]) == (TOGETHER, True)
            assert len(opened.registry.history(limit=100_000)) % TOGETHER == 0


ROOT = Path(__file__).resolve().parents[2]


def test_whoever_opens_it_again_finds_the_same_bytes(url: str) -> None:
    def documents() -> list[str]:
        with closing(Opened(url, SetClock(NOW_UNIX_S + 10))) as opened:
            registry = opened.registry
            return [repr(each()) for each in (registry.data_document, registry.revocations, registry.earlier)]

    with closing(Opened(url, recent_limit=0)) as opened:
        opened.registry.put_many(Kind.DATASET, [(key, dataset(1)) for key in ("b", "ä", "B", "a")], by=ANN)
        opened.registry.put_many(Kind.REVOKED_TOKEN, [(pseudonym(number), {}) for number in range(99)], by=ANN)
        opened.registry.consolidate()
    assert documents() == documents()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["'; DROP TABLE history; --", '"', "\\", "%s", ":key", "\0", "$$", "{}", "\u2028"]
)


def test_what_looks_like_sql_is_data(url: str) -> None:
    with closing(Opened(url)) as opened:
        registry = opened.registry

        @given(TEXTS, TEXTS, TEXTS)
        @settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
        def any_text(key: str, text: str, name: str) -> None:
            body = dataset(1) | {"source": {name: text}, "checksum": text}
            version = getattr(registry.get(Kind.DATASET, key), "version", None)
            try:
                registry.put(Kind.DATASET, key, body, by=Author(text), if_match=version)
            except Invalid:
                assert "\0" in text or not key.isprintable() or key != key.strip() or key == "" or "," in key
                return
            found = registry.get(Kind.DATASET, key)
            assert found is not None
            assert found.body == body
            assert registry.history(kind="dataset", key=key)[-1].after == body
            assert key in {record.key for record in registry.page(Kind.DATASET, limit=1_000)}

        any_text()
        holds_together(registry)
