"""The verifier in tests/go: it checks ledgers and proofs with none of our code."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTALL = Path(__file__).resolve().parents[3] / "scripts" / "install-verifier"
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class ReferenceVerifier:
    """Its binary. Each call gives the report that it printed, and has checked that the exit status agrees."""

    binary: Path

    def ledger(
        self, folder: Path, vkey: str, leaves: Mapping[int, bytes] | None = None, *options: str
    ) -> dict[str, Any]:
        """Whether the leaf hashes are included, and whatever else the options ask for."""
        asked = [f"-leaf={index}={leaf.hex()}" for index, leaf in (leaves or {}).items()]
        return self._run("ledger", f"-vkey={vkey}", *asked, *options, str(folder))

    def proof(self, file: Path, vkey: str, leaf: str) -> dict[str, Any]:
        """Whether a tlog-proof holds for `-leaf=HEX` or `-record=FILE`."""
        return self._run("proof", f"-vkey={vkey}", leaf, str(file))

    def _run(self, *arguments: str) -> dict[str, Any]:
        command = [str(self.binary), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        report = json.loads(done.stdout)
        assert done.returncode == (0 if report["ok"] else 1), done.stderr
        return report


@pytest.fixture(scope="session")
def reference() -> ReferenceVerifier:
    """Built on first use. Where that cannot be, the tests are skipped; in CI they fail."""
    done = subprocess.run([str(INSTALL)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ReferenceVerifier(Path(done.stdout.strip()))
    if os.environ.get("CI"):
        pytest.fail(done.stderr)
    pytest.skip(f"the reference verifier could not be built: run scripts/install-verifier\n{done.stderr}")
