"""One audit directory and the sidecars that serve on it, one after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tests.crash.history import History, read_arrivals, read_entries
from tests.crash.load import MIX, Load
from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.process import REPOSITORY, Sidecar, example_data, wait_until

if TYPE_CHECKING:
    import random
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from tests.crash.history import Answer
    from tests.crash.load import Call

VERIFY_TIMEOUT_S = 120
RULES = {"explanation": "off", "group_mean_band": "off", "disparate_impact": "off"}
"""Windows outlive a sidecar: a rule on them would come to refuse what the load takes to be good."""


@dataclass(frozen=True)
class Lives:
    """`folder` takes everything but the audit trail, which is in `audit_dir`; `flags` go to each sidecar."""

    folder: Path
    audit_dir: Path
    upstream: str
    flags: tuple[str, ...] = ()
    answers: list[Answer] = field(default_factory=list["Answer"])

    @cached_property
    def _issuer(self) -> Issuer:
        return Issuer()

    @cached_property
    def _token(self) -> str:
        return self._issuer.token()

    @cached_property
    def _command(self) -> list[str]:
        data = self.folder / "data.json"
        data.write_text(json.dumps(example_data(rules=RULES)))
        keys = self._issuer.write_jwks(self.folder / "jwks.json")
        return [
            *("run", "--upstream", self.upstream, "--server", "mlserver", "--engine", "embedded"),
            *("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", str(data)),
            *("--consent-keys", str(keys), "--consent-issuer", ISSUER, "--consent-audience", AUDIENCE),
            *("--audit-dir", str(self.audit_dir), *self.flags),
        ]

    @property
    def arrivals_file(self) -> Path:
        """Where the model server notes what reached it."""
        return self.folder / "arrivals"

    @contextmanager
    def life(self, *launcher: str) -> Generator[Sidecar]:
        """A sidecar that has just been started, and is gone at the end. `launcher`: a module and its arguments."""
        command = [sys.executable, "-m", *(launcher or ("sidecar",)), *self._command]
        with (self.folder / "sidecar.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY)
        try:
            yield Sidecar(process, self.folder, self._issuer)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    @contextmanager
    def ready_life(self, *launcher: str) -> Generator[Sidecar]:
        """The same, when it is ready."""
        with self.life(*launcher) as sidecar:
            wait_until(lambda: sidecar.process.poll() is not None or bool(sidecar.ports))
            sidecar.await_ready()
            yield sidecar

    def load(self, sidecar: Sidecar, seeded: random.Random, mix: Mapping[Call, int] = MIX) -> Load:
        """Clients of this sidecar, whose answers count."""
        return Load(sidecar.ports[0], self._token, seeded, mix, self.answers)

    def history(self) -> History:
        """All that was seen so far, with the records as `sidecar audit export` prints them."""
        exported = self._audit("export")
        assert exported.returncode == 0, exported.stderr.decode()
        entries = read_entries(exported.stdout.splitlines())
        return History(entries, read_arrivals(self.arrivals_file), tuple(self.answers))

    def verify(self) -> str:
        """What `sidecar audit verify` has to say against the log; empty where it holds."""
        verified = self._audit("verify")
        return "" if verified.returncode == 0 else (verified.stdout + verified.stderr).decode()

    def segments(self) -> list[Path]:
        """The log's files so far."""
        return sorted(self.audit_dir.glob("*/ledger/records/*.seg"))

    def _audit(self, verb: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "sidecar", "audit", verb, str(self.audit_dir)]
        return subprocess.run(command, capture_output=True, cwd=REPOSITORY, timeout=VERIFY_TIMEOUT_S, check=False)
