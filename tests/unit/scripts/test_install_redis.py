"""scripts/install-redis, in a copy of scripts/ so that it touches no real .servers. Nothing is downloaded here."""

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
    command = [str(checkout / "scripts" / "install-redis")]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


def give(program: Path, line: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{line}\n")
    program.chmod(0o755)


def test_the_one_on_path_is_linked(checkout: Path) -> None:
    give(checkout / "tools" / "redis-server", "echo 7")
    done = install(checkout)
    assert done.returncode == 0, done.stderr
    assert (checkout / ".servers" / "redis-server").resolve() == checkout / "tools" / "redis-server"


def test_one_that_does_not_run_is_not_taken(checkout: Path) -> None:
    give(checkout / "tools" / "redis-server", "exit 127")
    done = install(checkout)
    assert done.returncode == 1
    assert "no redis-server here" in done.stderr
    assert not (checkout / ".servers" / "redis-server").exists()


def test_what_was_unpacked_before_runs_with_its_own_libraries(checkout: Path) -> None:
    if shutil.which("redis-server", path="/usr/bin:/bin"):
        pytest.skip("the system has a redis-server of its own, which is taken first")
    platform = subprocess.run(
        ["bash", "-c", f'source "{checkout}/scripts/lib/common.sh"; printf %s "$platform"'],
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    kept = checkout / "cache" / "peers" / f"redis-server-{platform}"
    give(kept / "root" / "usr" / "bin" / "redis-check-rdb", 'echo "$LD_LIBRARY_PATH"')
    (kept / "root" / "usr" / "bin" / "redis-server").symlink_to("redis-check-rdb")  # as Debian has it
    library = kept / "root" / "usr" / "lib" / "libjemalloc.so.2"
    library.parent.mkdir()
    library.touch()
    (kept / "complete").touch()
    done = install(checkout)
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([checkout / ".servers" / "redis-server"], text=True, capture_output=True, check=True)
    assert ran.stdout.strip() == str(library.parent)
