"""The installers, run in a copy of scripts/ so that no real .servers or .venv is touched. They build nothing.

Imported by the tests of each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
SYSTEM = ("/usr/bin", "/bin")
OFFLINE = {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "GOPROXY": "off"}


@dataclass(frozen=True)
class Checkout:
    """A copy of scripts/ with nothing beside it. What lies in `tools` comes first on PATH; an apt-get that has nothing
    to give does from the beginning."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> Checkout:
        shutil.copytree(SCRIPTS, root / "scripts")
        give(root / "tools" / "apt-get", "exit 100")
        return cls(root)

    def install(self, name: str, *folders: str) -> subprocess.CompletedProcess[str]:
        """Runs a script; `folders` of the checkout come before the system's on PATH."""
        return self._run([str(self.root / "scripts" / name)], folders or ("tools",))

    def platform(self) -> str:
        """As the scripts call it."""
        common = f'source "{self.root}/scripts/lib/common.sh"; printf %s "$platform"'
        return self._run(["/bin/bash", "-c", common], ()).stdout

    def version(self, name: str, of: str = "version") -> str:
        """The version that a script pins."""
        lines = (SCRIPTS / name).read_text().splitlines()
        return next(line.split()[0].removeprefix(f"{of}=") for line in lines if line.startswith(f"{of}="))

    def servers(self, *names: str) -> Path:
        """Where a script puts its link."""
        return self.root.joinpath(".servers", *names)

    def cache(self, *names: str) -> Path:
        return self.root.joinpath("cache", *names)

    def _run(self, command: list[str], folders: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        path = ":".join([*(str(self.root / folder) for folder in folders), *SYSTEM])
        env = {"PATH": path, "HOME": str(self.root), "SIDECAR_CACHE": str(self.cache()), **OFFLINE}
        return subprocess.run(command, env=env, text=True, capture_output=True, check=False)


def give(program: Path, line: str) -> Path:
    """A program that does what `line` says."""
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{line}\n")
    program.chmod(0o755)
    return program
