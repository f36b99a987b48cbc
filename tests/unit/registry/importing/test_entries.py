"""What the formats share: times, words, bounds, and a data set's body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.registry.importing import entries
from sidecar.registry.importing.entries import Defaults, Line, NotRead, Problem, dataset_body, read_text, unix_s

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-20", 1_795_132_800.0),
        ("2026-11-20T13:00:00Z", 1_795_179_600.0),
        ("2026-11-20T14:00:00+01:00", 1_795_179_600.0),
        ("2026-11-20 13:00:00.5", 1_795_179_600.5),
        ("1795179600", 1_795_179_600.0),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert unix_s(text) == seconds


@pytest.mark.parametrize("text", ["20.11.2026", "nan", "1e999", "", "2026-13-01"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        unix_s(text)


def test_a_whole_body() -> None:
    texts = {
        "created": "1795179600",
        "consent_scopes": "a b",
        "parents": "x  y",
        "source": "s3://b",
        "checksum": "md5:1",
    }
    body = {
        "created_unix_s": 1_795_179_600.0,
        "consent_scopes": ["a", "b"],
        "parents": ["x", "y"],
        "source": "s3://b",
        "checksum": "md5:1",
    }
    assert dataset_body(texts, Defaults(1.0, ("other",))) == (body, [])


def test_what_is_not_said_holds_by_default_or_is_a_problem() -> None:
    body = {"created_unix_s": 1.0, "consent_scopes": [], "parents": []}
    assert dataset_body({"created": "", "source": ""}, Defaults(1.0, ())) == (body, [])
    _, problems = dataset_body({}, Defaults())
    assert problems == [
        "created is not said: add it, or say with --created what holds where nothing else is said",
        "consent_scopes is not said: add it, or say with --consent-scopes what holds where nothing else is said",
    ]


def test_a_text_is_utf8_within_bounds_with_or_without_a_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfdata")
    assert read_text(path) == "data"
    path.write_bytes(b"a\nb\xff")
    with pytest.raises(NotRead, match=r"a\.csv:2: is not UTF-8"):
        read_text(path)
    monkeypatch.setattr(entries, "FILE_LIMIT_BYTES", 3)
    with pytest.raises(NotRead, match=r"a\.csv: is over 0 MiB, more than is imported at once: split it"):
        read_text(path)


def test_a_problem_says_where_it_is(tmp_path: Path) -> None:
    assert str(Problem(Line(tmp_path / "a.csv", 3), "no")) == f"{tmp_path}/a.csv:3: no"
