from __future__ import annotations

import pytest

from sidecar.http1.target import Target


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("http://127.0.0.1:8080", Target("http", "127.0.0.1", 8080), b"127.0.0.1:8080"),
        ("http://model", Target("http", "model", 80), b"model"),
        ("https://model/", Target("https", "model", 443), b"model"),
        ("https://model:80", Target("https", "model", 80), b"model:80"),
        ("http://[::1]:8080", Target("http", "::1", 8080), b"[::1]:8080"),
        ("unix:///run/m.sock", Target("http", "localhost", 0, "/run/m.sock"), b"localhost"),
        ("unix://m.sock", Target("http", "localhost", 0, "m.sock"), b"localhost"),
    ],
)
def test_parsed(url: str, target: Target, authority: bytes) -> None:
    assert Target.parse(url) == target
    assert target.authority == authority
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize(
    "url",
    ["", "model:80", "ftp://a", "http://", "http://a/b", "http://a?b", "http://a#b", "http://u@a", "http://u:p@a",
     "http://a:0", "http://a:99999", "http://a b", "http://a\r\nb", "unix://", "unix://a\0b"],
)  # fmt: skip
def test_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Target.parse(url)
