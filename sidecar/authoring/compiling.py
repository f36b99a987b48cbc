"""Whether a policy compiles, with the builtins that it may call alone: by the engine that is here."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sidecar.authoring.asking import has_embedded
from sidecar.authoring.findings import Finding, placed
from sidecar.authoring.opa import NoOpa, Opa
from sidecar.authoring.workspace import write_files
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Mapping


class Compiler(Protocol):
    """What tells of modules whether they compile."""

    def problems(self, modules: Mapping[str, str]) -> list[Finding]:
        """All that is wrong with modules, by path; empty where nothing is."""
        ...


class ByOpa:
    """`opa check --strict` with our capabilities."""

    def __init__(self, opa: Opa) -> None:
        self._opa = opa

    def problems(self, modules: Mapping[str, str]) -> list[Finding]:
        """See `Compiler`."""
        with tempfile.TemporaryDirectory(prefix="sidecar-policy-") as folder:
            write_files(Path(folder), modules)
            return self._opa.compiled(Path(folder), restricted=True)


class ByEmbedded:
    """regorus, and a walk of its syntax trees."""

    def problems(self, modules: Mapping[str, str]) -> list[Finding]:
        """See `Compiler`."""
        from sidecar.policy.embedded import compile_with, parse, uncompilable  # noqa: PLC0415 - an extra

        try:
            regorus = parse(modules)
            found = uncompilable(modules)
            if not found:  # it would follow a recursion until the process dies
                compile_with(regorus, "{}")
        except PolicyProblems as problems:
            found = problems.problems
        return [placed("compile", problem) for problem in found]


def find_compiler() -> Compiler:
    """OPA where it is at hand, else the embedded engine; raises `NoOpa` where there is neither."""
    try:
        return ByOpa(Opa.find())
    except NoOpa:
        if has_embedded():
            return ByEmbedded()
        raise
