from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from sidecar.authoring.check import Wanted, check
from sidecar.authoring.starting import NotEmpty, start
from sidecar.policy.compose import GENERATED_PATH, compose, load_modules
from sidecar.policy.data_document import check_data
from sidecar.policy.examine import ROOTS
from tests.policies import REGO
from tests.unit.authoring.policies import opa

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "repository"
    start(folder, REGO)
    return folder


@pytest.mark.heavy  # `test_check.py` has every line of the shipped rules tested in each run
def test_it_passes_its_own_check_at_once(repository: Path) -> None:
    report = check(repository / "policy", Wanted(repository / "data.json"), opa())
    assert report.findings == ()
    assert (report.coverage_percent, report.vectors) == (100, {"opa": 9, "embedded": 9})
    assert "office_hours" in report.guards


def test_it_has_all_that_its_readme_names(repository: Path) -> None:
    named = [
        line.split("`")[1] for line in (repository / "README.md").read_text().splitlines() if line.startswith("| `")
    ]
    assert len(named) > 5
    assert [path for path in named if not (repository / path).exists()] == []
    for path in (".github/workflows/policy.yaml", ".pre-commit-config.yaml", ".gitignore", "ocp.yaml"):
        assert (repository / path).is_file()


def test_its_generated_module_is_up_to_date(repository: Path) -> None:
    composition = compose(load_modules(repository / "policy"))
    assert (repository / "policy" / GENERATED_PATH).read_text() == composition.text


def test_its_data_name_the_example_in_shadow(repository: Path) -> None:
    data = json.loads((repository / "data.json").read_text())
    assert check_data(data, compose(load_modules(repository / "policy")).guards) == []
    assert data["models"]["credit"]["rules"]["office_hours"] == "shadow"


def test_its_configurations_are_yaml_that_name_what_is_there(repository: Path) -> None:
    ocp = yaml.safe_load((repository / "ocp.yaml").read_text())
    assert (repository / ocp["sources"]["policy"]["directory"]).is_dir()
    assert json.loads((repository / "policy/.manifest").read_text()) == {"rego_version": 1, "roots": sorted(ROOTS)}
    [hooks] = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["id"] for hook in hooks["hooks"]] == ["sidecar-policy-compose", "sidecar-policy-check"]


def test_a_folder_that_git_has_begun_will_do_and_one_with_files_will_not(tmp_path: Path) -> None:
    (tmp_path / "begun/.git").mkdir(parents=True)
    start(tmp_path / "begun", REGO)
    with pytest.raises(NotEmpty, match="is not empty: name a new folder"):
        start(tmp_path / "begun", REGO)
