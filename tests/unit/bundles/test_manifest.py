from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.bundles.invalid import BundleInvalid
from sidecar.bundles.manifest import Manifest, next_sequence

MANIFESTS = st.builds(
    Manifest,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.lists(st.text("abc/", max_size=5), max_size=4).map(tuple),
    st.none() | st.integers(0, 2**53),
    st.none() | st.floats(0, 4e9),
)


@given(MANIFESTS)
def test_what_was_written_is_read(manifest: Manifest) -> None:
    assert Manifest.of(manifest.as_bytes()) == manifest


def test_as_it_stands_in_the_archive() -> None:
    manifest = Manifest("4f2c", ("sidecar", "guards"), sequence=1_795_300_000_000, created_unix_s=1_795_300_000.0)
    assert orjson.loads(manifest.as_bytes()) == {
        "revision": "4f2c",
        "roots": ["sidecar", "guards"],
        "rego_version": 1,
        "metadata": {"sequence": 1_795_300_000_000, "created_unix_s": 1_795_300_000.0},
    }


def test_one_that_says_nothing_owns_everything() -> None:
    assert Manifest.of(b"{}") == Manifest("", ("",), None, None)
    assert Manifest.of(b'{"metadata": null}') == Manifest("")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ".manifest: "),
        (b"[]", ".manifest: revision must be a string, in an object"),
        (b'{"revision": 7}', ".manifest: revision must be a string"),
        (b'{"roots": "guards"}', ".manifest: roots must be a list of strings"),
        (b'{"roots": [1]}', ".manifest: roots must be a list of strings"),
        (b'{"metadata": {"sequence": 1.5}}', ".manifest: metadata.sequence must be a whole number"),
        (b'{"metadata": {"sequence": true}}', ".manifest: metadata.sequence must be a whole number"),
        (b'{"metadata": {"sequence": -1}}', ".manifest: metadata.sequence must be a whole number"),
        (b'{"metadata": {"created_unix_s": "now"}}', ".manifest: metadata.created_unix_s must be a number"),
    ],
)
def test_what_is_wrong_is_refused_and_named(content: bytes, problem: str) -> None:
    with pytest.raises(BundleInvalid, match="^" + re.escape(problem)):
        Manifest.of(content)


@given(st.integers(0, 2**53), st.floats(0, 4e9))
def test_a_sequence_rises_whatever_the_clock_does(last: int, unix_s: float) -> None:
    assert next_sequence(last, unix_s) > last


def test_a_sequence_is_the_clock_where_that_has_moved_on() -> None:
    assert next_sequence(1_795_300_000_000, 1_795_300_001.25) == 1_795_300_001_250
