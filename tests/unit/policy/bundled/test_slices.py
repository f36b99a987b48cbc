from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from hypothesis import given
from hypothesis import strategies as st

from sidecar.policy.binding import Regorus
from sidecar.policy.bundled.slices import SLICE_MEMBERS, SLICES, slices

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = st.text("abc", min_size=1, max_size=2)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("xyz"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=30,
)


def merged(texts: Iterable[str]) -> object:
    """By the engine itself."""
    engine = Regorus().engine
    engine.add_policy("m.rego", "package m\n\nwhole := data.d\n")
    engine.add_data_json('{"d": {}}')
    for text in texts:
        engine.add_data_json(text)
    engine.set_input_json("{}")
    return orjson.loads(engine.eval_rule_as_json("data.m.whole"))


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_an_engine_makes_of_slices_what_was_cut(document: dict[str, object]) -> None:
    assert merged(slices({"d": document})) == document


def test_a_large_document_is_cut_into_few_slices() -> None:
    large = {"d": {"few": {"a": 1}, "many": {f"{number:06}": {"of": [number]} for number in range(20_000)}}}
    cut = list(slices(large))
    assert len(cut) == SLICES
    assert max(map(len, cut)) < 2 * len(orjson.dumps(large)) / SLICES
    assert merged(cut) == large["d"]


def test_a_small_document_is_one_slice_and_an_empty_one_none() -> None:
    small = {"d": {str(number): number for number in range(SLICE_MEMBERS)}}
    assert [orjson.loads(text) for text in slices(small)] == [small]
    assert list(slices({})) == []
