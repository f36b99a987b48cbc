"""scripts/install-postgres, in a copy of scripts/ so that it touches no real .servers. Nothing is downloaded here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    give(tmp_path / "tools" / "apt-get", "exit 100")  # has nothing to give
    return tmp_path


def install(checkout: Path) -> subprocess.CompletedProcess[str]:
    path = f"{checkout / 'tools'}:/usr/bin:/bin"
    env = {"PATH": path, "HOME": str(checkout), "SIDECAR_CACHE": str(checkout / "cache")}
    command = [str(checkout / "scripts" / "install-postgres")]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


def give(program: Path, line: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{line}\n")
    program.chmod(0o755)


def linked(checkout: Path) -> Path:
    return checkout / ".servers" / "postgresql"


def test_the_folder_of_the_one_on_path_is_linked(checkout: Path) -> None:
    """Distributions keep its programs together elsewhere, and put links to some on PATH."""
    for name in ("postgres", "initdb"):
        give(checkout / "lib" / "17" / name, "echo 17")
    (checkout / "tools" / "postgres").symlink_to(checkout / "lib" / "17" / "postgres")
    done = install(checkout)
    assert done.returncode == 0, done.stderr
    assert linked(checkout).resolve() == checkout / "lib" / "17"


@pytest.mark.parametrize("programs", [{"postgres": "echo 17"}, {"postgres": "exit 127", "initdb": "echo 17"}])
def test_one_that_makes_no_databases_is_not_taken(checkout: Path, programs: dict[str, str]) -> None:
    for name, line in programs.items():
        give(checkout / "tools" / name, line)
    done = install(checkout)
    assert done.returncode == 1
    assert "no PostgreSQL here" in done.stderr
    assert not linked(checkout).exists()


def test_what_was_unpacked_before_runs_with_its_own_libraries(checkout: Path) -> None:
    give(checkout / "tools" / "postgres", "exit 127")  # hides one that the system may have: it lacks initdb
    platform = subprocess.run(
        ["bash", "-c", f'source "{checkout}/scripts/lib/common.sh"; printf %s "$platform"'],
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    kept = checkout / "cache" / "peers" / f"postgresql-{platform}"
    programs = kept / "root" / "usr" / "lib" / "postgresql" / "15"
    for name in ("postgres", "initdb"):
        give(programs / "bin" / name, 'echo "$LD_LIBRARY_PATH"')
    (programs / "lib").mkdir()
    (programs / "lib" / "libpgcommon.so.5").touch()
    (kept / "complete").touch()
    done = install(checkout)
    assert done.returncode == 0, done.stderr
    for name in ("postgres", "initdb"):
        ran = subprocess.run([linked(checkout) / name], text=True, capture_output=True, check=True)
        assert ran.stdout.strip() == str(programs / "lib")
