from __future__ import annotations

import pytest

from sidecar.protocols.pointer import resolve
from sidecar.protocols.rows import ABSENT

# RFC 6901 section 5, and an array inside an array.
DOCUMENT = {
    "foo": ["bar", "baz", [1, 2]],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "i\\j": 5,
    "m~n": 8,
    "~1": 9,
    "0": {"1": None},
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/foo", DOCUMENT["foo"]),
        ("/foo/0", "bar"),
        ("/foo/2/1", 2),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/i\\j", 5),
        ("/m~0n", 8),
        ("/~01", 9),
        ("/0/1", None),
        ("/foo/3", ABSENT),
        ("/foo/-", ABSENT),
        ("/foo/-1", ABSENT),
        ("/foo/00", ABSENT),
        ("/foo/\u0660", ABSENT),
        ("/foo/99999999999999999999", ABSENT),
        ("/foo/0/x", ABSENT),
        ("/bar", ABSENT),
        ("/0/1/2", ABSENT),
        ("/m~n", ABSENT),
        ("/m~2n", ABSENT),
    ],
)
def test_resolve(pointer: str, value: object) -> None:
    assert resolve(DOCUMENT, pointer) == value
