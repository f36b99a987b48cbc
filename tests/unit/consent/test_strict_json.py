from __future__ import annotations

import pytest

from sidecar.consent.strict_json import parse_object


def test_an_object_is_read() -> None:
    assert parse_object('{"a":[1,2.5,"é",null,{"b":true}]}'.encode()) == {"a": [1, 2.5, "é", None, {"b": True}]}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{"a":1,"a":1}', "twice"),
        (b'{"x":{"a":1,"a":2}}', "twice"),
        (b'{"a":1,"\\u0061":2}', "twice"),
        (b"[]", "not a JSON object"),
        (b'"{}"', "not a JSON object"),
        (b"", "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":Infinity}', "not JSON"),
        (b'{"a":1e999}', "not JSON"),
        (b'{"a":1}x', "not JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        ('{"a":1}'.encode("utf-16"), "not JSON"),
        (b'{"a":"\\ud800"}', "not JSON"),
        (b'{"a":"\xff"}', "not JSON"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "not JSON"),
        (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, "not JSON"),
    ],
)
def test_what_is_not_strict_json_is_refused_without_being_quoted(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        parse_object(data)
    assert "1" not in str(caught.value)
