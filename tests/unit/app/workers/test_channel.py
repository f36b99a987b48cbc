from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar.app.workers.channel import Assignment, Kind, Word, assignment_of, line_of, told_of, word_of
from sidecar.policy.followed import Told
from sidecar.settings import load

if TYPE_CHECKING:
    from pathlib import Path

ASSIGNMENT = Assignment({"upstream": "http://127.0.0.1:1", "workers": 2}, 1, 5, 6, "/run/1.sock", None, follows=True)


def test_what_is_said_is_what_is_heard() -> None:
    assert assignment_of(line_of(ASSIGNMENT)) == ASSIGNMENT
    for told in (Told(None, ("one", "two\nlines")), Told("/run/opa.sock", (), 3)):
        assert told_of(line_of(told)) == told
    for word in (Word(Kind.SERVING), Word(Kind.READY, (), "opa", "r1"), Word(Kind.PROBLEMS, ("--data: no",))):
        assert word_of(line_of(word)) == word


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    line = line_of(Word(Kind.BROKE, ("first\nsecond\r\n",)))
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")


@pytest.mark.parametrize("line", [b"hello\n", b"[]\n", b"{}\n", b'{"kind":"else","texts":[]}\n'])
def test_what_a_library_prints_is_no_word(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        word_of(line)


def test_settings_are_the_same_on_the_other_side_whatever_the_file_says_then(tmp_path: Path) -> None:
    config = tmp_path / "sidecar.yaml"
    config.write_text("window_spans: [15m, 2d]\nmode: shadow\n")
    flags = {
        "upstream": "unix:///run/model.sock",
        "server": "triton",
        "listen": "[::1]:0",
        "consent": "off",
        "policy_max_age": "none",
        "keep_alive_time": "5s",
        "input_headers": "X-One,X-Two",
        "self_check": "warn",
        "self_check_host": "10.1.2.3",
        "self_check_ports": "8080,8081",
        "probes": '{"model/liveness": {"http": {"port": 8080, "headers": [["A", "b"]]}, "timeout_s": 2}}',
        "audit_dir": str(tmp_path / "audit"),
        "workers": "4",
    }
    given = load(flags, config)
    config.write_text("mode: enforce\n")
    assigned = assignment_of(line_of(replace(ASSIGNMENT, settings=given.model_dump(mode="json"))))
    assert load(assigned.settings).model_dump() == given.model_dump()
