"""scripts/lib/common.sh, by sourcing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMON = Path(__file__).resolve().parents[3] / "scripts" / "lib" / "common.sh"
THIS = "{}.{}".format(*sys.version_info[:2])


def bash(script: str, path: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/bash", "-euo", "pipefail", "-c", f"source {COMMON}\n{script}", "a-script"]
    return subprocess.run(
        command,
        env={"PATH": path, "HOME": "/nonexistent", **env},
        text=True,
        capture_output=True,
        check=False,
    )


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_python_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "python3", "echo 'command not found' >&2; exit 127")
    program(tmp_path, f"python{THIS}", f'exec {sys.executable} "$@"')
    found = bash(f"find_python {THIS}", f"{tmp_path}:/usr/bin:/bin")
    assert (found.returncode, found.stdout, found.stderr) == (0, f"{sys.executable}\n", "")


def test_a_python_of_another_version_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "python3", f'exec {sys.executable} "$@"')
    found = bash("find_python 3.99", f"{tmp_path}:/usr/bin:/bin")
    assert (found.returncode, found.stdout) == (1, "")


def test_the_named_python_is_the_only_candidate(tmp_path: Path) -> None:
    program(tmp_path, "python3", f'exec {sys.executable} "$@"')
    found = bash(f"find_python {THIS}", f"{tmp_path}:/usr/bin:/bin", PYTHON="/nonexistent")
    assert (found.returncode, found.stdout) == (1, "")


def test_one_waits_for_the_other(tmp_path: Path) -> None:
    first = f"""
        only_one {sys.executable} {tmp_path}/lock
        echo first starts >> {tmp_path}/order
        touch {tmp_path}/held
        while [[ ! -s {tmp_path}/waiting ]]; do sleep 0.01; done
        echo first ends >> {tmp_path}/order
    """
    second = f"""
        while [[ ! -e {tmp_path}/held ]]; do sleep 0.01; done
        only_one {sys.executable} {tmp_path}/lock 2> {tmp_path}/waiting
        echo second starts >> {tmp_path}/order
    """
    bash(f"({first}) & ({second}); wait", "/usr/bin:/bin")
    assert (tmp_path / "order").read_text().splitlines() == ["first starts", "first ends", "second starts"]
    assert (tmp_path / "waiting").read_text() == "a-script: waiting for another start of this script\n"


def test_a_watched_failure_shows_the_end_of_its_log(tmp_path: Path) -> None:
    done = bash(f"watched {tmp_path}/log '^a' 2 things bash -c 'printf \"%s\\n\" a b a c; exit 3'", "/usr/bin:/bin")
    assert done.returncode == 1
    assert done.stderr == "a-script:   … 2 things\na\nb\na\nc\n"
