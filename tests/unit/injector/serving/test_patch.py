from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.injector.serving.patch import differences, operations
from tests.unit.injector.serving.parts import patched

NAMES = st.sampled_from(["a", "b", "c/d", "e~f", "~1"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.text("ab", max_size=1),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=5,
)
PARTS = st.dictionaries(NAMES, VALUES, max_size=4)
OBJECTS = st.fixed_dictionaries({"kind": st.just("Pod")}, optional={"metadata": PARTS, "spec": PARTS})


@given(before=OBJECTS, after=OBJECTS)
def test_a_patch_makes_one_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    made = patched(before, operations(before, after))
    for part in ("metadata", "spec"):
        assert made.get(part, {}) == after.get(part, {})


@given(VALUES)
def test_what_is_the_same_differs_nowhere(value: Any) -> None:
    assert list(differences(value, copy.deepcopy(value))) == []
    assert operations({"spec": {"x": value}}, {"spec": {"x": copy.deepcopy(value)}}) == []


@given(VALUES, VALUES)
def test_what_is_not_the_same_differs_somewhere(one: Any, other: Any) -> None:
    assert bool(list(differences(one, other))) == (one != other)


def test_only_what_changed_is_patched_and_as_a_whole() -> None:
    before = {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "a"}], "volumes": [], "hostname": "h"}}
    after = {"metadata": {"name": "x", "labels": {"a/b": "c"}}, "spec": {"containers": [{"name": "b"}], "volumes": []}}
    assert operations(before, after) == [
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "c"}},
        {"op": "remove", "path": "/spec/hostname"},
        {"op": "add", "path": "/spec/containers", "value": [{"name": "b"}]},
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, ["/a"]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ["/a/b/1"]),
        ({"a": [1]}, {"a": [1, 2, 3]}, ["/a/1", "/a/2"]),
        ({"x/y": 1, "b": 1}, {"~": 1, "b": 1}, ["/x~1y", "/~0"]),
        ({"a": {}}, {"a": []}, ["/a"]),
        (1, 2, [""]),
    ],
)
def test_differences_are_pointers_to_the_innermost_places(before: Any, after: Any, expected: list[str]) -> None:
    assert list(differences(before, after)) == expected
