"""The image cannot be built in every place that tests run, so what must hold of it is read out of its files."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / "Dockerfile").read_text()
STEPS = [
    (step.split()[0], step.split(maxsplit=1)[1])
    for step in re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    if step
]
IMAGES = dict(rest.split("=", 1) for step, rest in STEPS if step == "ARG")
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def last(name: str) -> str:
    return [rest for step, rest in STEPS if step == name][-1]


def copied() -> set[str]:
    """From the checkout into the stages that build."""
    words = [rest.split() for step, rest in STEPS if step == "COPY" and "--from" not in rest]
    return {source for *sources, _ in words for source in sources}


def test_it_runs_as_a_user_that_is_known_by_number_and_not_root() -> None:
    user, group = map(int, last("USER").split(":"))
    assert user > 0 < group
    after = [step for step, _ in STEPS][[step for step, _ in STEPS].index("USER") :]
    assert "RUN" not in after


def test_signals_reach_the_process() -> None:
    """A shell in front of it would keep SIGTERM for itself."""
    assert last("ENTRYPOINT") == '["sidecar"]'


def test_every_stage_but_the_compilers_is_the_same_base_of_one_version_that_this_project_supports() -> None:
    bases = [rest.split() for step, rest in STEPS if step == "FROM"]
    assert {base for base, *name in bases if name != ["AS", "native"]} == {"${PYTHON_IMAGE}"}
    [(minor, patch)] = re.findall(r"^python:3\.(\d+)\.(\d+)-slim-[a-z]+$", IMAGES["PYTHON_IMAGE"])
    least, beyond = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert int(least) <= int(minor) < int(beyond)
    assert patch


def test_our_binding_is_built_by_what_its_crate_asks_for_on_the_debian_where_it_runs() -> None:
    [(minor, debian)] = re.findall(r"^rust:1\.(\d+)\.\d+-([a-z]+)$", IMAGES["RUST_IMAGE"])
    package = tomllib.loads((REPOSITORY / "native" / "Cargo.toml").read_text())["package"]
    assert int(minor) >= int(package["rust-version"].removeprefix("1."))
    assert IMAGES["PYTHON_IMAGE"].endswith(f"-{debian}")
    script = (REPOSITORY / "scripts" / "install-native").read_text()
    assert re.findall(r"maturin==(\S+)", TEXT) == re.findall(r"^maturin=(\S+)", script, flags=re.MULTILINE)


def test_our_binding_is_patched_there_as_it_is_here() -> None:
    script = (REPOSITORY / "scripts" / "install-native").read_text()
    [(image, folder)] = re.findall(r"^RUN \./(\w+) (\S+) ", TEXT, flags=re.MULTILINE)
    [here] = re.findall(r'^  "\$sources/(\w+)" "\$aside/native"', script, flags=re.MULTILINE)
    assert (REPOSITORY / "native" / here).stat().st_mode & 0o111
    assert image == here
    assert f"--manifest-path {folder}/Cargo.toml" in TEXT
    assert '--manifest-path "$aside/native/Cargo.toml"' in script


def test_its_version_is_the_projects() -> None:
    assert f'image.version="{PROJECT["version"]}"' in last("LABEL")
    assert re.findall(r"model-policy-sidecar:(\S+) ", TEXT) == [PROJECT["version"]]


def test_what_it_installs_there_is() -> None:
    [extras] = re.findall(r"\.whl\)\[([a-z,]+)\]", last("RUN"))
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"]) - {"dev", "demo", "plot"}
    assert "--only-binary=:all:" in last("RUN")


def test_the_wheel_has_all_that_it_is_made_of_and_the_context_no_more() -> None:
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*build["packages"], *build["force-include"], PROJECT["readme"], *PROJECT["license-files"]}
    assert copied() == needed | {"pyproject.toml", "native"}
    lines = [line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied()
    assert any(fnmatch("sidecar/__pycache__", line) for line in lines[1:])
