"""scripts/install-verifier where it cannot build. That it can is what the tests with the verifier show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "install-verifier"


def test_without_go_the_remedy_is_named(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SIDECAR_CACHE": str(tmp_path / "cache")}
    env |= {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "GOPROXY": "off"}
    done = subprocess.run([str(SCRIPT)], env=env, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the verifier could not be built" in done.stderr
    assert "a Go of 1.26 or newer" in done.stderr
    assert not list(tmp_path.glob("cache/verifier/*/verifier"))
