from __future__ import annotations

import pytest

from sidecar.policy.module_text import depth, package_of


@pytest.mark.parametrize(
    ("text", "deep"),
    [("", 0), ("x := 1", 0), ("[1]", 1), ("f([{1}])", 3), ("[] [] {}", 1), (")))[[", 2), ('"[[[" # (', 4)],
)
def test_brackets_are_counted_wherever_they_stand(text: str, deep: int) -> None:
    assert depth(text) == deep


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("package a.b.c", "a.b.c"),
        ("# a comment\n\n  package \t a # and more\r\n\nx := 1", "a"),
        ("x := 1\npackage a", None),
        ('package a["b"]', None),
        ("# \u2028package a", None),
        ("", None),
    ],
)
def test_a_package_is_the_first_statement_on_one_plain_line(text: str, package: str | None) -> None:
    assert package_of(text) == package
