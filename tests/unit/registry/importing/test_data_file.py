"""Data documents as files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.registry.importing.data_file import is_data, read_data
from sidecar.registry.importing.entries import Entry, Problem
from sidecar.registry.importing.positions import JsonFile
from sidecar.registry.values import Kind
from tests.support import policy_data

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = policy_data(1_795_300_000.0)


def read(folder: Path, document: object) -> tuple[list[tuple[Kind, str, Any]], list[str]]:
    path = folder / "data.json"
    path.write_text(json.dumps(document, indent=1))
    file = JsonFile(path)
    assert is_data(file.value)
    found = list(read_data(file))
    entries = [(one.kind, one.key, one.body) for one in found if isinstance(one, Entry)]
    return entries, [str(one).removeprefix(f"{path}:") for one in found if isinstance(one, Problem)]


def test_every_part_of_a_data_document_becomes_records(tmp_path: Path) -> None:
    token, subject, person = "1" * 64, "2" * 64, "3" * 64
    document = DOCUMENT | {
        "revocations": {"tokens": {token: 1}, "subjects": {subject: {"reason": "asked for it"}}},
        "objections": {"subjects": {person: True}},
    }
    assert read(tmp_path, document) == (
        [
            (Kind.DATASET, "fresh", DOCUMENT["datasets"]["fresh"]),
            (Kind.DATASET, "stale", DOCUMENT["datasets"]["stale"]),
            (Kind.MODEL, "credit", DOCUMENT["models"]["credit"]),
            (Kind.GROUP_MEAN, "credit", {"means": {"a": 0.50, "b": 0.48}}),
            (Kind.REVOKED_TOKEN, token, {}),
            (Kind.REVOKED_SUBJECT, subject, {"reason": "asked for it"}),
            (Kind.OBJECTION, person, {}),
        ],
        [],
    )


def test_means_may_come_with_their_provenance(tmp_path: Path) -> None:
    body = {"means": {"a": 0.5}, "provenance": {"set_by": "ana"}}
    assert read(tmp_path, {"group_mean": {"credit": body}}) == ([(Kind.GROUP_MEAN, "credit", body)], [])


def test_what_has_no_place_is_told_with_its_line(tmp_path: Path) -> None:
    document = {
        "datasets": [],
        "models": {"credit": 1, "other": {}},
        "users": {},
        "revocations": {"tokens": {}, "earlier": {}},
        "objections": 3,
    }
    entries, problems = read(tmp_path, document)
    assert entries == [(Kind.MODEL, "other", {})]
    assert problems == [
        "7: users: not accepted as data; only datasets, group_mean, models, objections, revocations are",
        "10: revocations.earlier: not known, and not imported",
        "2: datasets: must be an object",
        "4: models.credit: must be an object",
        "12: objections: must be an object",
    ]


@pytest.mark.parametrize("value", [None, [], {}, {"inputs": {}}, [{"models": {}}]])
def test_what_names_no_part_of_one_is_no_data_document(value: object) -> None:
    assert not is_data(value)
