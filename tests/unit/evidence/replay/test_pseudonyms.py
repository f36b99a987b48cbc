from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.audit.salts import Salt, Salts
from sidecar.evidence.replay.pseudonyms import has_entries, load_salt, under_salt
from sidecar.policy.problems import PolicyProblems
from tests.policies import DATA
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

SALT = Salt("2026-11-21", b"s" * 32)


def test_a_periods_salt_is_the_one_its_records_were_written_with(tmp_path: Path) -> None:
    written = Salts(tmp_path, FixedClock()).current()
    found = load_salt(tmp_path, written.name)
    assert found is not None
    assert (found.name, found.digest(b"x")) == (written.name, written.digest(b"x"))


@pytest.mark.parametrize("period", ["2026-11-22.00000000", "2026-11-21", "../secret", "", None])
def test_a_deleted_salt_is_none_and_is_not_made_anew(tmp_path: Path, period: str | None) -> None:
    Salts(tmp_path, FixedClock()).current()
    (tmp_path / "secret.salt").write_bytes(b"s" * 32)
    assert load_salt(tmp_path, period) is None
    assert load_salt(None, SALT.name) is None
    assert [path.name for path in (tmp_path / "salts").iterdir()] == ["2026-11-21.salt"]


def test_a_salt_of_another_length_is_none(tmp_path: Path) -> None:
    (tmp_path / "salts").mkdir()
    (tmp_path / "salts" / "2026-11-21.salt").write_bytes(b"short")
    assert load_salt(tmp_path, Salt("2026-11-21", b"short").name) is None


def test_another_salt_of_the_same_day_is_not_the_one_that_a_record_names(tmp_path: Path) -> None:
    first = Salts(tmp_path, FixedClock()).current()
    (tmp_path / "salts" / "2026-11-21.salt").unlink()
    second = Salts(tmp_path, FixedClock()).current()
    assert load_salt(tmp_path, first.name) is None
    assert load_salt(tmp_path, second.name) is not None


def test_registers_are_keyed_as_the_records_are() -> None:
    data = DATA | {
        "revocations": {"tokens": {"t": {"at": 1}}, "subjects": {"s": {}}, "note": "kept"},
        "objections": {"subjects": {"o": {}}},
    }
    assert under_salt(data, SALT) == DATA | {
        "revocations": {"tokens": {SALT.digest(b"t"): {"at": 1}}, "subjects": {SALT.digest(b"s"): {}}, "note": "kept"},
        "objections": {"subjects": {SALT.digest(b"o"): {}}},
    }
    assert data["revocations"] == {"tokens": {"t": {"at": 1}}, "subjects": {"s": {}}, "note": "kept"}


@pytest.mark.parametrize(
    ("registers", "expected"),
    [
        ({}, False),
        ({"revocations": {"tokens": {}, "subjects": {}}, "objections": {"subjects": {}}}, False),
        ({"revocations": {"tokens": {"t": {}}}}, True),
        ({"revocations": {"subjects": {"s": {}}}}, True),
        ({"objections": {"subjects": {"s": {}}}}, True),
        ({"revocations": None, "objections": []}, False),
    ],
)
def test_whether_any_register_names_anybody(registers: dict[str, object], expected: bool) -> None:
    assert has_entries(registers) is expected
    assert under_salt(registers, SALT).keys() == registers.keys()


@pytest.mark.parametrize("part", ["tokens", "subjects"])
def test_packed_revocations_cannot_be_put_under_a_salt(part: str) -> None:
    revocations: dict[str, object] = {"tokens": {}, "subjects": {}, "after": 1}
    empty = {"number": 1, "tokens": {}, "subjects": {}}
    packed = {**revocations, "earlier": {**empty, part: {"ab12": "c" * 28}}}
    assert has_entries({"revocations": packed})
    with pytest.raises(PolicyProblems, match="sidecar registry export"):
        under_salt({"revocations": packed}, SALT)
    nobody = {"revocations": {**revocations, "earlier": empty}}
    assert not has_entries(nobody)
    assert under_salt(nobody, SALT) == nobody
