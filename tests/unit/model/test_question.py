from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.question import Question, ask

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(texts, children, max_size=4),
    max_leaves=10,
)
# An input has members (`api` at least), and its time is given beside it.
shapes = st.dictionaries(texts.filter(lambda name: name != "time"), json_values, min_size=1, max_size=4)
times = st.floats(min_value=0, max_value=1e11)


@given(shapes, times)
def test_the_json_is_the_shape_and_the_time(shape: dict[str, object], unix_s: float) -> None:
    question = ask(shape, unix_s)
    whole = {**shape, "time": {"unix_s": unix_s}}
    assert orjson.loads(question.json) == orjson.loads(orjson.dumps(whole)) == whole
    assert question.as_input() == whole


@given(shapes, times, times)
def test_the_key_has_neither_time_nor_order(shape: dict[str, object], now: float, later: float) -> None:
    backwards = dict(reversed(shape.items()))
    assert ask(shape, now).stable == ask(backwards, later).stable
    assert orjson.loads(ask(shape, now).stable) == shape


def test_a_question_keeps_what_it_was_made_of() -> None:
    question = ask({"b": (1, 2), "a": None}, 1_795_300_000.25, 1_795_303_600.0)
    assert question == Question({"b": (1, 2), "a": None}, b'{"a":null,"b":[1,2]}', 1_795_300_000.25, 1_795_303_600.0)
    assert question.json == b'{"a":null,"b":[1,2],"time":{"unix_s":1795300000.25}}'
