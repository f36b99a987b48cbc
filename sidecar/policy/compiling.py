"""Whether modules compile, calling nothing but the builtins that a policy may call: by the engine that is here.

For who makes or takes in bundles; an engine that activates one looks for itself (`child`, `embedded`).
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sidecar.policy.binding import Regorus
from sidecar.policy.child import find_opa
from sidecar.policy.embedded import compile_with, parse, uncompilable
from sidecar.policy.opa_check import CHECK_LIMIT_S, TOO_LONG, check_command, problems_told, write_files
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Mapping


class Compiler(Protocol):
    """What tells of modules whether they compile."""

    def problems(self, modules: Mapping[str, str]) -> list[str]:
        """All that is wrong with modules, by path: one line each, `file:row: what`; empty where nothing is."""
        ...


class OpaCompiler:
    """`opa check --strict` with our capabilities. `modules` have paths that lead nowhere but into a folder."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def problems(self, modules: Mapping[str, str]) -> list[str]:
        """See `Compiler`."""
        with tempfile.TemporaryDirectory(prefix="sidecar-policy-") as folder:
            write_files(Path(folder), modules)
            return opa_problems(self._binary, Path(folder), restricted=True)


class EmbeddedCompiler:
    """regorus, and a walk of its syntax trees."""

    def problems(self, modules: Mapping[str, str]) -> list[str]:
        """See `Compiler`."""
        try:
            regorus = parse(modules)
            found = uncompilable(modules)
            if not found:  # it would follow a recursion until the process dies
                compile_with(regorus, "{}")
        except PolicyProblems as problems:
            return list(problems.problems)
        return found


def find_compiler() -> Compiler:
    """OPA where it is at hand, else the embedded engine; raises `PolicyProblems` where there is neither."""
    binary = find_opa()
    if binary is not None:
        return OpaCompiler(binary)
    try:
        Regorus()
    except PolicyProblems as found:
        raise PolicyProblems([f"policies are compiled before they are published: install OPA; or {found}"]) from None
    return EmbeddedCompiler()


def opa_problems(binary: Path, folder: Path, *, restricted: bool) -> list[str]:
    """What `opa check --strict` finds below a folder; `restricted`: with the builtins that a policy may call alone."""
    command = check_command(binary, restricted=restricted)
    try:
        done = subprocess.run(  # noqa: S603 - the operator's OPA, with words of ours
            command, cwd=folder, capture_output=True, timeout=CHECK_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return [TOO_LONG]
    return problems_told(done.stdout.strip() or done.stderr.strip()) if done.returncode else []
