"""OPA, and regorus through each of its bindings, answer alike whatever is asked of the shipped policy: inputs that no
vector has, made by changing good ones.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.authoring.asking import NO_ANSWER, Embedded, opa_daemon
from sidecar.policy.compose import compose, load_modules
from tests.bindings import BINDINGS, only
from tests.conformance.vectors import BASE
from tests.policies import REGO, opa_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.authoring.asking import Asked

    Change = tuple[int, object]

GOOD = (BASE["request"], {**BASE["request"], **BASE["response"]})
GONE = object()
VALUES = st.one_of(
    st.just(GONE),
    st.sampled_from([None, True, False, "", "a", "b", "valid", "missing", "present", "credit", "off", [], {}, ["a"]]),
    st.integers(-3, 2**53),
    st.floats(-2, 2, allow_nan=False),
    st.text(max_size=4),
)


@pytest.fixture(scope="module")
def engines() -> Iterator[list[Asked]]:
    modules = compose(load_modules(REGO)).policies
    with opa_daemon(opa_binary()) as daemon:
        made: list[Asked] = [daemon]
        daemon.load(modules, BASE["data"])
        for binding in BINDINGS:
            with only(binding):
                made.append(Embedded())
                made[-1].load(modules, BASE["data"])
        yield made


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place below a value: what holds it and its key there."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield value, key
        yield from places(member)


def changed(good: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    made = copy.deepcopy(good)
    for number, value in changes:
        found = list(places(made))
        if not found:
            break
        holder, key = found[number % len(found)]
        if value is GONE:
            del holder[key]
        else:
            holder[key] = copy.copy(value)  # what one example puts into it must not be there in the next
    return made


@given(st.sampled_from(GOOD), st.lists(st.tuples(st.integers(0, 200), VALUES), max_size=3))
def test_all_give_one_answer(engines: list[Asked], good: dict[str, Any], changes: list[Change]) -> None:
    asked = changed(good, changes)
    opa, *embedded = (engine.ask("decision", asked) for engine in engines)
    assert opa != NO_ANSWER
    assert embedded == [opa] * len(BINDINGS)


def test_what_is_changed_is_an_allow_before(engines: list[Asked]) -> None:
    answers = [engine.ask("decision", good) for engine in engines for good in GOOD]
    assert [answer["allow"] for answer in answers if isinstance(answer, dict)] == [True] * 2 * len(engines)
