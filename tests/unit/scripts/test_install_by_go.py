"""Scripts that build one Go program into the cache, in a copy of scripts/ so that no real .servers is touched.

Nothing is built here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@dataclass(frozen=True)
class Installing:
    """A script, the name under which it makes its program available, and the program's own."""

    checkout: Path
    name: str
    link: str
    program: str

    def run(self, body: str = "") -> subprocess.CompletedProcess[str]:
        """The scripts' own functions, or the whole of this one where `body` is empty."""
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.checkout), "SIDECAR_CACHE": str(self.checkout / "cache")}
        env |= {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "GOPROXY": "off"}
        command = [str(self.checkout / "scripts" / self.name)]
        if body:
            command = ["/bin/bash", "-c", f'source "{self.checkout}/scripts/lib/common.sh"; {body}']
        return subprocess.run(command, env=env, text=True, capture_output=True, check=False)

    def kept(self) -> Path:
        lines = (SCRIPTS / self.name).read_text().splitlines()
        version = next(line.split()[0].removeprefix("version=") for line in lines if line.startswith("version="))
        platform = self.run('printf %s "$platform"').stdout
        return self.checkout / "cache" / self.link / f"{version}-{platform}" / self.program


@pytest.fixture(
    params=[("install-collector", "otelcol", "otelcol"), ("install-oci-registry", "oci-registry", "registry")]
)
def installing(request: pytest.FixtureRequest, tmp_path: Path) -> Installing:
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    return Installing(tmp_path, *request.param)


def test_what_was_built_before_is_linked(installing: Installing) -> None:
    kept = installing.kept()
    kept.parent.mkdir(parents=True)
    kept.write_text("#!/bin/sh\n")
    kept.chmod(0o755)
    done = installing.run()
    assert (done.returncode, done.stdout) == (0, f"{kept}\n")
    assert os.readlink(installing.checkout / ".servers" / installing.link) == str(kept)


def test_without_a_way_to_build_it_the_remedy_is_named(installing: Installing) -> None:
    done = installing.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "it needs the Go module proxy and a Go of" in done.stderr
    assert not (installing.checkout / ".servers").exists()
    assert not installing.kept().exists()
