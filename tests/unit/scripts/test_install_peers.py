"""scripts/install-peers, in a copy of scripts/ so that it touches no real .servers. Nothing is downloaded here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
PEERS = ("nginx", "haproxy", "slowhttptest")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    return tmp_path


def install(checkout: Path) -> subprocess.CompletedProcess[str]:
    """With an apt-get that has nothing to give."""
    tools = checkout / "tools"
    tools.mkdir(exist_ok=True)
    give(tools / "apt-get", "exit 100")
    env = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(checkout), "SIDECAR_CACHE": str(checkout / "cache")}
    command = [str(checkout / "scripts" / "install-peers")]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


def give(program: Path, line: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{line}\n")
    program.chmod(0o755)


def test_what_is_on_path_is_linked(checkout: Path) -> None:
    for name in PEERS:
        give(checkout / "tools" / name, f"echo {name}")
    done = install(checkout)
    assert done.returncode == 0, done.stderr
    for name in PEERS:
        assert (checkout / ".servers" / "peers" / name).resolve() == checkout / "tools" / name


def test_what_cannot_be_had_is_told_after_the_others(checkout: Path) -> None:
    for name in PEERS[:2]:
        give(checkout / "tools" / name, "true")
    done = install(checkout)
    assert done.returncode == 1
    assert "no slowhttptest here" in done.stderr
    assert "apt-get install slowhttptest" in done.stderr
    assert [(checkout / ".servers" / "peers" / name).exists() for name in PEERS] == [True, True, False]


def test_what_was_unpacked_before_runs_with_its_own_libraries(checkout: Path) -> None:
    for name in PEERS[:2]:
        give(checkout / "tools" / name, "true")
    platform = subprocess.run(
        ["bash", "-c", f'source "{checkout}/scripts/lib/common.sh"; printf %s "$platform"'],
        env={"PATH": "/usr/bin:/bin", "HOME": str(checkout)},
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    kept = checkout / "cache" / "peers" / f"slowhttptest-{platform}"
    give(kept / "root" / "usr" / "bin" / "slowhttptest", 'echo "$LD_LIBRARY_PATH $1"')
    library = kept / "root" / "usr" / "lib" / "x" / "libx.so.1"
    library.parent.mkdir(parents=True)
    library.touch()
    (kept / "complete").touch()
    assert install(checkout).returncode == 0
    peer = checkout / ".servers" / "peers" / "slowhttptest"
    ran = subprocess.run([peer, "-h"], text=True, capture_output=True, check=True)
    assert ran.stdout == f"{library.parent} -h\n"
