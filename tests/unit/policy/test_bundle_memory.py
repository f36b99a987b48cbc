from __future__ import annotations

import orjson
import pytest

from sidecar.policy.age import Confirmed
from sidecar.policy.bundle_memory import NAMES_LIMIT, Remembered, decode, encode
from sidecar.policy.problems import PolicyProblems

KNOWN = Remembered({"data": 20, "policy": 7}, {"data": Confirmed("d1", 900.5), "rules": Confirmed("", 1.0)})


def test_what_is_remembered_is_what_was_known() -> None:
    assert decode(encode(KNOWN)) == KNOWN
    assert decode(encode(Remembered())) == Remembered()


def test_a_person_can_read_it() -> None:
    assert orjson.loads(encode(KNOWN)) == {
        "format": 1,
        "bundles": {
            "data": {"sequence": 20, "revision": "d1", "confirmed_unix_s": 900.5},
            "policy": {"sequence": 7},
            "rules": {"revision": "", "confirmed_unix_s": 1.0},
        },
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"format":2,"bundles":{}}',
        b'{"format":1}',
        b'{"format":1,"bundles":{},"more":1}',
        b'{"format":1,"bundles":{"data":{"sequence":"20"}}}',
        b'{"format":1,"bundles":{"data":{"sequence":-1}}}',
        b'{"format":1,"bundles":{"data":{"confirmed_unix_s":"now"}}}',
        b'{"format":1,"bundles":{"data":{"sequnce":20}}}',
        encode(KNOWN)[:-10],
    ],
)
def test_anything_else_is_an_error_and_not_nothing(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        decode(content)


def test_names_are_bounded() -> None:
    many = {f"b{number}": number for number in range(NAMES_LIMIT)}
    assert decode(encode(Remembered(many))).sequences == many
    with pytest.raises(PolicyProblems, match="more than 1024 names"):
        encode(Remembered({**many, "one more": 1}))
