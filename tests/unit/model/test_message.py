from __future__ import annotations

import pytest

from sidecar.model.message import Request, Response

HEADERS = ((b"accept", b"a"), (b"x-data-version", b"1"), (b"accept", b"b"))


@pytest.mark.parametrize("message", [Request("GET", "/", HEADERS), Response(200, HEADERS)])
def test_all_values_of_a_name_in_order(message: Request | Response) -> None:
    assert message.header_values(b"accept") == [b"a", b"b"]
    assert message.header_values(b"x-data-version") == [b"1"]
    assert message.header_values(b"x-data") == []


def test_the_least_messages() -> None:
    assert Request("GET", "/", ()) == Request("GET", "/", (), b"", "", None)
    assert Response(204) == Response(204, (), b"")
