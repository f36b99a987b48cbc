"""Records that MLflow itself wrote: see mlflow/README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.registry.importing.entries import Defaults, Entry, Problem
from sidecar.registry.importing.mlflow_file import is_mlflow, read_mlflow
from sidecar.registry.importing.positions import JsonFile
from sidecar.registry.values import Kind

RECORDED = Path(__file__).parent / "mlflow"
NOTHING = Defaults()

LOANS = {
    "created_unix_s": 1_795_132_800.0,
    "consent_scopes": ["credit_scoring", "marketing"],
    "parents": ["applications-2026-11-19"],
    "source": {"type": "http", "url": "https://data.example/loans.csv"},
    "checksum": "mlflow:7858d3ac",
}
HOLDOUT = {
    "created_unix_s": 1_795_089_600.0,
    "consent_scopes": ["credit_scoring"],
    "parents": [],
    "source": {"type": "http", "url": "https://data.example/holdout.parquet"},
    "checksum": "mlflow:ff2fea49",
}


def read(name: str, defaults: Defaults = NOTHING) -> tuple[list[tuple[str, Any]], list[str]]:
    """Keys and bodies, and problems."""
    found = list(read_mlflow(JsonFile(RECORDED / name), defaults))
    entries = [one for one in found if isinstance(one, Entry)]
    assert {one.kind for one in entries} <= {Kind.DATASET}
    return [(one.key, one.body) for one in entries], [str(one) for one in found if isinstance(one, Problem)]


@pytest.mark.parametrize("name", ["described.json", "got.json", "inputs.json"])
def test_each_form_of_a_run_has_the_same_data_sets(name: str) -> None:
    assert read(name) == ([("loans-2026-11-20", LOANS), ("holdout-ff2fea49", HOLDOUT)], [])


def test_several_runs_at_once_and_what_says_too_little_is_told_with_its_line() -> None:
    entries, problems = read("searched.json")
    keys = ["holdout-ff2fea49", "loans-2026-11-20", "holdout-ff2fea49"]
    assert entries == [(key, LOANS if "loans" in key else HOLDOUT) for key in keys]
    path = RECORDED / "searched.json"
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if '"name": "bare"' in text)
    (problem,) = problems
    place, _, what = problem.partition(": ")
    assert what == (
        "created is not said: add it, or say with --created what holds where nothing else is said; "
        "consent_scopes is not said: add it, or say with --consent-scopes what holds where nothing else is said"
    )
    file, _, number = place.rpartition(":")
    assert file == str(path)
    assert 0 < line - int(number) < 10  # the place is where the input begins


def test_what_is_not_said_can_be_said_for_all() -> None:
    entries, problems = read("searched.json", Defaults(1_795_000_000.0, ("research",)))
    assert problems == []
    bare = dict(entries)["bare-" + digest_of("bare")]
    assert (bare["created_unix_s"], bare["consent_scopes"]) == (1_795_000_000.0, ["research"])
    assert dict(entries)["loans-2026-11-20"] == LOANS


def digest_of(name: str) -> str:
    runs = json.loads((RECORDED / "searched.json").read_text())["runs"]
    inputs = [each["dataset"] for run in runs for each in run["inputs"]["dataset_inputs"]]
    return next(dataset["digest"] for dataset in inputs if dataset["name"] == name)


def test_a_record_without_a_data_set_or_its_names_is_told(tmp_path: Path) -> None:
    path = tmp_path / "inputs.json"
    tags = {"created": "yesterday", "consent_scopes": "credit_scoring"}
    path.write_text(json.dumps([{"dataset": None}, {"dataset": {"name": 1, "source": "{"}, "tags": tags}], indent=0))
    found = [str(one) for one in read_mlflow(JsonFile(path), NOTHING)]
    assert found == [
        f"{path}:2: has no `dataset`, as each of MLflow's dataset inputs has",
        f"{path}:5: created: 'yesterday' is no time: write 2026-11-20, 2026-11-20T13:00:00Z or 1795179600; "
        "name and digest must be strings",
    ]


@pytest.mark.parametrize("value", [None, [], {}, {"datasets": {}}, {"inputs": {}}, [1], {"run": {"info": {}}}])
def test_what_holds_no_inputs_is_no_record_of_mlflow(value: object) -> None:
    assert not is_mlflow(value)
