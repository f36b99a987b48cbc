"""OPA's command line: what only the reference implementation can say of Rego."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.authoring.findings import Finding, placed
from sidecar.policy.child import find_opa
from sidecar.policy.compiling import opa_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

LIMIT_S = 300.0
"""For one run: tests of a large policy take minutes on a small machine."""
PARSING = 4
"""Processes at once."""

Json = dict[str, Any]


class NoOpa(Exception):
    """There is no OPA where one is needed. Its text names the remedy."""


class NotRun(Exception):
    """What OPA says of tests that it does not run."""


@dataclass(frozen=True, slots=True)
class Opa:
    """One binary. Every path is relative to the folder in which it runs, and so in what it says."""

    binary: Path

    @classmethod
    def find(cls) -> Opa:
        """The one beside this Python, else on PATH; raises `NoOpa`."""
        binary = find_opa()
        if binary is None:
            raise NoOpa("there is no opa beside this Python or on PATH: run scripts/install-opa, or put one on PATH")
        return cls(binary)

    def unformatted(self, folder: Path, files: Sequence[str]) -> list[Finding]:
        """Those of these files, each of which parses, that `opa fmt` would write otherwise."""
        if not files:
            return []
        told = self._run(folder, "fmt", "--list", *files).stdout.decode()
        return [Finding("format", "is not as `opa fmt` writes it", line) for line in told.splitlines()]

    def compiled(self, folder: Path, *, restricted: bool) -> list[Finding]:
        """What `opa check --strict` finds; `restricted`: with the builtins that a policy may call alone."""
        return [placed("compile", problem) for problem in opa_problems(self.binary, folder, restricted=restricted)]

    def trees(self, folder: Path, files: Iterable[str]) -> Mapping[str, Json]:
        """Syntax trees, with locations and annotations, of those files that parse."""
        named = sorted(files)
        with ThreadPoolExecutor(PARSING) as pool:
            found = list(pool.map(partial(self._tree, folder), named))
        return {file: tree for file, tree in zip(named, found, strict=True) if tree is not None}

    def _tree(self, folder: Path, file: str) -> Json | None:
        done = self._run(folder, "parse", "--format", "json", "--json-include", "locations,-comments", file)
        return cast("Json", orjson.loads(done.stdout)) if done.returncode == 0 else None

    def test_results(self, folder: Path) -> list[Json]:
        """Each test with its place and whether it failed. Raises `NotRun`."""
        done = self._run(folder, "test", "--format", "json", ".")
        try:
            return cast("list[Json]", [*orjson.loads(done.stdout)])
        except (ValueError, TypeError):
            raise NotRun(done.stderr.decode(errors="replace").strip() or "`opa test` failed") from None

    def coverage(self, folder: Path) -> Mapping[str, Json]:
        """Covered and uncovered ranges by file; where a test fails there are none."""
        done = self._run(folder, "test", "--coverage", "--format", "json", ".")
        return cast("Mapping[str, Json]", orjson.loads(done.stdout)["files"]) if done.returncode == 0 else {}

    def _run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - OPA, with file names of the policy; no shell
            [str(self.binary), *arguments], cwd=folder, capture_output=True, timeout=LIMIT_S, check=False
        )
