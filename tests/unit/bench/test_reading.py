from __future__ import annotations

import orjson

from bench.bodies import KINDS, samples
from bench.reading import reading

SIZE_BYTES = 20_000


def test_every_body_is_one_that_is_read_and_of_about_the_size() -> None:
    found = list(reading(SIZE_BYTES, rounds=1))  # a body that were refused would raise
    assert [read.name for read in found] == [kind.name for kind in KINDS]
    assert all(abs(read.body_bytes - SIZE_BYTES) < SIZE_BYTES // 5 for read in found)


def test_a_run_measures_what_the_last_one_did() -> None:
    assert list(samples(SIZE_BYTES)) == list(samples(SIZE_BYTES))


def test_what_orjson_is_given_is_what_the_sidecar_reads() -> None:
    for sample in samples(SIZE_BYTES):
        orjson.loads(sample.text)
        assert sample.has_goal is (sample.name.startswith("V2") and "gzip" not in sample.name)
        assert (sample.request.body == sample.text) is ("gzip" not in sample.name)
