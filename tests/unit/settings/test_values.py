from __future__ import annotations

import pytest

from sidecar.settings import Address, load
from sidecar.settings.values import TARGET, duration_text, parse_address, parse_duration_s

NEEDED = {"upstream": "http://127.0.0.1:8080", "server": "mlserver", "consent": "off"}


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0), True),
        ("[::1]:80", Address("::1", 80), True),
        ("localhost:8090", Address("localhost", 8_090), True),
        ("0.0.0.0:8090", Address("0.0.0.0", 8_090), False),
    ],
)
def test_addresses(text: str, address: Address, loopback: bool) -> None:
    listen = load({**NEEDED, "listen": text}).listen
    assert (listen, listen.is_loopback, str(listen)) == (address, loopback, text)


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("90", 90.0), ("90s", 90.0), ("1.5m", 90.0), ("1h", 3_600.0), ("2d", 172_800.0), ("none", None), (90, 90)],
)
def test_durations(text: object, duration_s: float | None) -> None:
    assert parse_duration_s(text) == duration_s


@pytest.mark.parametrize("text", ["", "soon", "-1", "1w", "1 h", "h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration_s(text)


@pytest.mark.parametrize("text", ["", "8090", "host", "host:", ":1", "host:65536", "[::1", "a b:1", "http://h:1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize(
    "text", ["http://h:1", "https://h", "http://[::1]:80", "http://127.0.0.1:8080/", "unix:///run/s", "unix://s"]
)
def test_targets(text: str) -> None:
    assert TARGET.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["ftp://h", "http://u:p@h", "http://h:", "http://h:1?x", "http://h:1#x", "http://h/p", "unix://", "h:1"]
)
def test_what_is_no_target(text: str) -> None:
    assert not TARGET.fullmatch(text)


@pytest.mark.parametrize("text", ["30d", "12h", "90m", "1.5s", "45s"])
def test_a_duration_is_written_as_it_is_read(text: str) -> None:
    duration_s = parse_duration_s(text)
    assert isinstance(duration_s, float)
    assert duration_text(duration_s) == text
