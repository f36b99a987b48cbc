"""scripts/install-oci-registry, in a copy of scripts/ so that it touches no real .servers. Nothing is built here."""

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
    return tmp_path


def script(checkout: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Runs the script's own functions, or the whole of it where `body` is empty."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(checkout), "SIDECAR_CACHE": str(checkout / "cache")}
    env |= {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "GOPROXY": "off"}
    command = [str(checkout / "scripts" / "install-oci-registry")]
    if body:
        command = ["/bin/bash", "-c", f'source "{checkout}/scripts/lib/common.sh"; {body}']
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


def kept_path(checkout: Path) -> Path:
    lines = (SCRIPTS / "install-oci-registry").read_text().splitlines()
    version = next(line.split()[0].removeprefix("version=") for line in lines if line.startswith("version="))
    platform = script(checkout, 'printf %s "$platform"').stdout
    return checkout / "cache" / "oci-registry" / f"{version}-{platform}" / "registry"


def test_what_was_built_before_is_linked(checkout: Path) -> None:
    kept = kept_path(checkout)
    kept.parent.mkdir(parents=True)
    kept.write_text("#!/bin/sh\n")
    kept.chmod(0o755)
    done = script(checkout, "")
    assert (done.returncode, done.stdout) == (0, f"{kept}\n")
    assert os.readlink(checkout / ".servers" / "oci-registry") == str(kept)


def test_without_a_way_to_build_it_the_remedy_is_named(checkout: Path) -> None:
    done = script(checkout, "")
    assert (done.returncode, done.stdout) == (1, "")
    assert "it needs the Go module proxy and a Go of" in done.stderr
    assert not (checkout / ".servers").exists()
    assert not kept_path(checkout).exists()
