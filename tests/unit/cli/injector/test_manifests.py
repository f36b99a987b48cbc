from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.cli.injector import manifests
from sidecar.cli.injector.manifests import ManifestInvalid, dump, parse

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8) | st.sampled_from(
    [
        "yes",
        "12:30",
        "1e3",
        "0o14",
        "0x1f",
        "1_000",
        "2026-11-20",
        "null",
        "~",
        "",
        " ",
        "a\nb\n",
        "- x",
        "1.",
        "+5",
        "#",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3), max_size=3))
def test_what_is_written_is_read(documents: list[dict[str, Any]]) -> None:
    assert parse(dump(documents).encode(), "x") == documents


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3))
def test_json_is_yaml(document: dict[str, Any]) -> None:
    assert parse(json.dumps(document, ensure_ascii=False).encode(), "x") == [document]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("2026-11-20", "2026-11-20"), ("2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z"), ("12:30", "12:30")],
        *[("1e3", 1000.0), ("0644", 0o644), ("0x1f", 31), ("yes", True), ("~", None), ("1.5", 1.5), ("-7", -7)],
        *[("10.0.0.1", "10.0.0.1"), ("250m", "250m"), ("1_000", 1000), ("'1e3'", "1e3"), (".5", 0.5), ("08", "08")],
    ],
)
def test_plain_words_are_what_kubernetes_takes_them_for(text: str, value: object) -> None:
    assert parse(f"a: {text}".encode(), "x") == [{"a": value}]


@pytest.mark.parametrize("text", ["1e3", "0o14", "12:30", "0x1f", "yes", "null", "2026-11-20"])
def test_a_string_that_another_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    assert dump([{"a": text}]).strip() in {f'a: "{text}"', f"a: '{text}'"}


def test_several_lines_are_a_block_and_nothing_is_an_anchor() -> None:
    same = {"x": 1}
    assert dump([{"a": "one\ntwo\n", "b": same, "c": same}]) == "a: |\n  one\n  two\nb:\n  x: 1\nc:\n  x: 1\n"


def test_empty_documents_are_left_out() -> None:
    assert parse(b"---\n---\na: 1\n---\n# nothing\n", "x") == [{"a": 1}]


@pytest.mark.parametrize("text", [b"a: [", b"\xff\xfe\x00", b"- a", b"word", b"a: !!python/object:os.system {}"])
def test_what_is_no_manifest_is_told(text: bytes) -> None:
    with pytest.raises(ManifestInvalid, match=r"^pod\.yaml"):
        parse(text, "pod.yaml")


def test_too_much_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "LIMIT_BYTES", 3)
    with pytest.raises(ManifestInvalid, match="x: is over 3 bytes"):
        parse(b"a: 1", "x")
