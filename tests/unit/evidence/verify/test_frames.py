from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.verify.frames import Whole, first_non_zero, next_whole, whole_at
from sidecar.ledger.frames import HEAD_BYTES, frame
from sidecar.ledger.reading import record_mark

if TYPE_CHECKING:
    from pathlib import Path

LOG = "ab" * 16
RECORD = record_mark(LOG) + b'"kind":"EVENT","sequence":7,"time_unix_ns":99,"event":"stop"}'
WINDOW = 1 << 20


@pytest.mark.parametrize("before", [0, 1, WINDOW - HEAD_BYTES, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW + 5])
def test_the_next_frame_is_found_wherever_it_begins(tmp_path: Path, before: int) -> None:
    path = tmp_path / "0.seg"
    framed = frame(7, 5, RECORD)
    path.write_bytes(bytes(before) + framed + b"behind")
    with path.open("rb") as file:
        assert next_whole(file, 0) == Whole(before, before + len(framed), 7, 5, RECORD)
        assert whole_at(file, before) == next_whole(file, before)
        assert next_whole(file, before + 1) is None
        assert first_non_zero(file, 0) == before


def test_a_frame_whose_crc_does_not_match_is_none(tmp_path: Path) -> None:
    path = tmp_path / "0.seg"
    path.write_bytes(frame(7, 5, RECORD)[:-1] + b"?")
    with path.open("rb") as file:
        assert (whole_at(file, 0), next_whole(file, 0)) == (None, None)


def test_zeros_to_the_end_have_no_other_byte(tmp_path: Path) -> None:
    path = tmp_path / "0.seg"
    path.write_bytes(bytes(3 * WINDOW))
    with path.open("rb") as file:
        assert first_non_zero(file, 10) is None
