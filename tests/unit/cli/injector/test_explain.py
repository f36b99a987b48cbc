from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tests.unit.cli.injector.calls import REFUSED, SERVICE, deployment, run, write
from tests.unit.injector.serving.parts import POD

if TYPE_CHECKING:
    from pathlib import Path


def test_it_tells_decisions_and_the_difference(tmp_path: Path, config: Path) -> None:
    shown = run(
        "injector", "explain", "-f", str(write(tmp_path / "x.yaml", SERVICE, deployment())), "--config", str(config)
    )
    lines = shown.stdout.splitlines()
    assert (shown.exit_code, lines[0], shown.stderr) == (0, "Deployment/credit:", "")
    assert "  container triton serves the model: there is no other" in lines
    assert [line for line in lines if line[:3] in ("---", "+++")] == [
        "--- Deployment/credit",
        "+++ Deployment/credit, guarded",
    ]
    assert "+        - --http-address=127.0.0.1" in lines
    assert "registry.example/model-policy-sidecar:1.0" in shown.stdout


def test_without_a_configuration_it_says_with_which(tmp_path: Path) -> None:
    shown = run("injector", "explain", "-f", "-", given=yaml.safe_dump(POD))
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (0, "Pod/credit-7d-:")
    assert shown.stderr == "sidecar: without --config it is shown with the chart's defaults, and an example's consent\n"


def test_a_refusal_is_a_finding_with_every_problem_and_the_others_are_shown(tmp_path: Path, config: Path) -> None:
    path = write(tmp_path / "x.yaml", REFUSED, deployment())
    shown = run("injector", "explain", "-f", str(path), "--config", str(config))
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (1, "Deployment/credit:")
    told = shown.stderr.splitlines()
    assert len(told) >= 2
    assert all(line.startswith("sidecar: Deployment/refused: ") for line in told)


def test_what_cannot_be_explained_is_bad_usage(tmp_path: Path, config: Path) -> None:
    nothing = run("injector", "explain", "-f", str(write(tmp_path / "x.yaml", SERVICE)), "--config", str(config))
    assert (nothing.exit_code, "nothing in it has a pod template" in nothing.stderr) == (2, True)
    broken = run("injector", "explain", "-f", "-", "--config", str(config), given="a: [")
    assert (broken.exit_code, "standard input is not YAML" in broken.stderr) == (2, True)
    config.write_text("engine: x\nadmin: y\nsettings: {consent: 'off'}\n")
    bad = run("injector", "explain", "-f", "-", "--config", str(config), given="{}")
    assert (bad.exit_code, len(bad.stderr.splitlines())) == (2, 3)
    assert run("injector", "explain", "-f", str(tmp_path / "none")).exit_code == 2


def test_marks_of_a_terminal_are_shown_not_obeyed(config: Path) -> None:
    pod = {**POD, "metadata": {"name": "x\x1b[2J"}}
    shown = run("injector", "explain", "-f", "-", "--config", str(config), given=yaml.safe_dump(pod))
    assert "\x1b" not in shown.output
