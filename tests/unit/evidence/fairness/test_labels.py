from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.fairness.labels import read_labels

if TYPE_CHECKING:
    from pathlib import Path

A, B = "a" * 32, "b" * 32


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", f"decision_id,label\n{A},1\n{B},0\n"),
        ("l.csv", f"label,instance,decision_id\r\nTRUE,0,{A.upper()}\r\nfalse,,{B}\r\n"),
        ("l.jsonl", f'{{"decision_id":"{A}","label":true}}\n\n{{"decision_id":"{B}","instance":0,"label":0}}'),
        (
            "l",
            f'{{"decision_id":"{A}","label":"1"}}\n{{"decision_id":"{A}","label":1}}\n{{"decision_id":"{B}","label":false}}',
        ),
    ],
)
def test_labels_are_read(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    assert read_labels(path) == {(A, 0): True, (B, 0): False}


def test_instances_have_labels_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(f"decision_id,instance,label\n{A},0,1\n{A},1,0\n")
    assert read_labels(path) == {(A, 0): True, (A, 1): False}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("l.csv", f"decision_id,label\n{A},1\n{B},yes\n", "line 3: no label: 'yes' is none of 1, 0, true, false"),
        ("l.csv", f"decision,label\n{A},1\n", "line 2: no label: 'decision_id'"),
        ("l.csv", f"decision_id,instance,label\n{A},x,1\n", "line 2: no label: invalid literal"),
        ("l.jsonl", f"decision_id,label\n{A},1\n", "line 1: neither JSON lines nor a .csv file"),
        ("l.jsonl", "[1]", "line 1: no label"),
        ("l.jsonl", f'{{"decision_id":"{A}","label":null}}', "line 1: no label: 'none' is none of"),
        ("l.csv", f"decision_id,label\n{A},1\n{A},0\n", f"line 3: decision {A}, instance 0 has another label before"),
    ],
)
def test_what_is_no_label_is_told_with_its_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=told):
        read_labels(path)
