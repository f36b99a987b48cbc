from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.layout import Layout, checkpoint_name, slots

if TYPE_CHECKING:
    from pathlib import Path


def test_only_what_is_under_proof_lies_in_the_ledgers_folder(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    proven = [layout.checkpoint, layout.identity, layout.segment(12)]
    beside = [layout.lock, layout.reserve, layout.draft, layout.cursors]
    assert [str(path.relative_to(layout.ledger_dir)) for path in proven] == [
        "checkpoint",
        "identity",
        "records/00000000000000000012.seg",
    ]
    assert [str(path.relative_to(tmp_path)) for path in beside] == ["lock", "reserve", "draft", "cursors"]
    assert layout.ledger_dir == tmp_path / "ledger"


@given(st.integers(0, 10**20 - 1), st.integers(0, 10**20 - 1))
def test_names_sort_like_sizes(a: int, b: int) -> None:
    assert (checkpoint_name(a) < checkpoint_name(b)) is (a < b)
    assert checkpoint_name(a) == f"checkpoints/{a:020}"


def test_slots_are_the_folders_with_a_ledger(tmp_path: Path) -> None:
    for name in ("1/ledger", "0/ledger", "salts", "policies"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "ledger").touch()
    assert slots(tmp_path) == [Layout(tmp_path / "0"), Layout(tmp_path / "1")]
    assert slots(tmp_path / "none") == []
