"""scripts/install-opa, in a copy of scripts/ so that it touches no real .venv. Nothing is built here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    for folder in ("bin", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def opa(path: Path, version: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho Version: {version}\n")
    path.chmod(0o755)
    return str(path)


def pinned_version() -> str:
    lines = (SCRIPTS / "install-opa").read_text().splitlines()
    return next(line.removeprefix("version=") for line in lines if line.startswith("version="))


def install_opa(checkout: Path, *folders: str) -> subprocess.CompletedProcess[str]:
    path = ":".join([*(str(checkout / folder) for folder in folders), "/usr/bin", "/bin"])
    env = {"PATH": path, "HOME": str(checkout), "SIDECAR_CACHE": str(checkout / "cache")}
    env |= {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "GOPROXY": "off"}
    command = [str(checkout / "scripts" / "install-opa")]
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


def test_the_pinned_version_on_path_is_taken(checkout: Path) -> None:
    wanted = opa(checkout / "bin" / "opa", pinned_version())
    done = install_opa(checkout, "bin")
    assert (done.returncode, done.stdout) == (0, f"{wanted}\n")
    assert os.readlink(checkout / ".venv" / "bin" / "opa") == wanted


def test_the_link_it_makes_is_never_taken_for_the_binary(checkout: Path) -> None:
    wanted = opa(checkout / "bin" / "opa", pinned_version())
    install_opa(checkout, "bin")
    done = install_opa(checkout, ".venv/bin", "bin")  # as in an activated environment
    assert (done.returncode, done.stdout) == (0, f"{wanted}\n")
    assert os.readlink(checkout / ".venv" / "bin" / "opa") == wanted


def test_without_a_way_to_have_it_the_remedy_is_named(checkout: Path) -> None:
    opa(checkout / "bin" / "opa", "0.1.0")
    go = checkout / "bin" / "go"
    go.write_text("#!/bin/sh\necho go1.2.3\n")
    go.chmod(0o755)
    done = install_opa(checkout, "bin")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"OPA {pinned_version()} could not be had" in done.stderr
    assert "--engine embedded" in done.stderr
    assert not (checkout / ".venv" / "bin" / "opa").exists()
    assert not list(checkout.glob("cache/opa/*/opa"))
