from __future__ import annotations

import pytest

from sidecar.protocols.strict_json import MAX_BRACKETS, MAX_DEPTH, MAX_KEYS, SMALL_BYTES, Malformed, loads

TWICE = "an object has a key twice"


def nested(depth: int, within: bytes = b"") -> bytes:
    return b"[" * depth + within + b"]" * depth


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"null", None),
        (b' {"a": [1, 2.5, true, "x"]}\n', {"a": [1, 2.5, True, "x"]}),
        (b'{"":1}', {"": 1}),
        (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        (b'{"a":{"a":{"a":1}}}', {"a": {"a": {"a": 1}}}),
        (b'{"a":"b:c","d:e":"\\u003a"}', {"a": "b:c", "d:e": ":"}),
        (b'{"a":"\\\\u003a"}', {"a": "\\u003a"}),
        (b'{"a":"\\\\\\u003A"}', {"a": "\\:"}),
        (b'{"data\\u005fversion":"x"}', {"data_version": "x"}),
        (b"18446744073709551615", 2**64 - 1),
        (b"18446744073709551616", float(2**64)),
        (nested(MAX_DEPTH), eval(nested(MAX_DEPTH))),
        (nested(MAX_DEPTH, b'"["'), eval(nested(MAX_DEPTH, b'"["'))),
        (b"[" + b"[]," * 100 + b"[]]", [[] for _ in range(101)]),
    ],
)
@pytest.mark.parametrize("spaces", [0, SMALL_BYTES])
def test_reads_what_all_read_alike(body: bytes, value: object, spaces: int) -> None:
    assert loads(body + b" " * spaces) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"":1,"":2}',
        b'{"x":{"data_version":"a","data\\u005fversion":"b"}}',
        b'{"a":1,"a":2,"b":"\\u003a"}',  # the escaped colon must not make up for the lost one
        b'{"a":1,"a":2,"b":"\\\\u003a"}',
        b'{"a:":1,"a\\u003a":2}',
        b'{"a":":","a":""}',
        b'{"a":"","a":":::"}',
        b'[1,{"a":{"b":0,"b":0}}]',
        b"[" + b"[]," * 100 + b'{"k":0,"k":0}]',
    ],
)
@pytest.mark.parametrize("spaces", [0, SMALL_BYTES])
def test_refuses_a_key_twice(body: bytes, spaces: int) -> None:
    with pytest.raises(Malformed) as caught:
        loads(body + b" " * spaces)
    assert str(caught.value) == TWICE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a":1}{}',
        b'{"a":1}\x00',
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b"01",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-be"),
        b'"\xff"',
        b'"\\ud800"',
        b'"\n"',
        b"{'a':1}",
        b"[1,]",
    ],
)
def test_refuses_what_is_no_json(body: bytes) -> None:
    with pytest.raises(Malformed, match="no JSON text") as caught:
        loads(body)
    assert caught.value.__cause__ is None


def test_bounds_depth() -> None:
    with pytest.raises(Malformed) as caught:
        loads(nested(MAX_DEPTH + 1))
    assert str(caught.value) == "nested deeper than 64 levels"
    with pytest.raises(Malformed):
        loads(nested(100_000))


def test_bounds_containers_before_they_are_made() -> None:
    with pytest.raises(Malformed) as caught:
        loads(b"[" + b"{}," * MAX_BRACKETS + b"{}]")
    assert str(caught.value) == "more than 262144 arrays and objects; tensors may be flat"


def test_does_not_quote_the_body() -> None:
    with pytest.raises(Malformed) as caught:
        loads(b'{"name":"Jane Doe" "age":51}')
    assert str(caught.value) == "no JSON text (RFC 8259) near character 19"


@pytest.mark.parametrize("body", [b'{"a\\u0000b":1}', b'[[{"c":{"\\u0000":1}}]]', b'{"a":"\\u0000","b\\u0000":":"}'])
def test_a_key_with_nul_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match="a key holds a NUL"):
        loads(body)


def test_a_value_may_hold_nul() -> None:
    assert loads(b'{"a":"b\\u0000","c":"\\\\u0000"}') == {"a": "b\0", "c": "\\u0000"}


def test_keys_are_bounded_however_they_are_written() -> None:
    most = ",".join(f'"{number}" :1' for number in range(MAX_KEYS))
    assert loads(f"{{{most}}}".encode()) == {str(number): 1 for number in range(MAX_KEYS)}
    with pytest.raises(Malformed, match=f"more than {MAX_KEYS} keys"):
        loads(f'{{{most},"x"\n:1}}'.encode())


def test_colons_in_strings_are_no_keys() -> None:
    assert loads(b'["' + b":" * (MAX_KEYS + 1) + b'"]') == [":" * (MAX_KEYS + 1)]
