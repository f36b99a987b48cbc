"""A policy's files as they are judged: composed anew, laid out in a folder of their own, without anything else."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.policy.compose import GENERATED_PATH, Composition, Modules, compose, load_modules
from sidecar.policy.opa_check import write_files

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping


@dataclass(frozen=True, slots=True)
class Workspace:
    """`decided`: a folder with what decides, the generated module included; `tested`: the same with tests.

    They are copies, because a policy's own folder may hold a stale generated module, or JSON that OPA takes for data.
    """

    root: Path
    modules: Modules
    composition: Composition
    decided: Path
    tested: Path

    @property
    def written(self) -> Mapping[str, str]:
        """All that an author writes: policies and tests by path, without the generated module."""
        return {path: text for path, text in self.everything.items() if path != GENERATED_PATH}

    @property
    def everything(self) -> Mapping[str, str]:
        """All that is laid out in `tested`."""
        return {**self.composition.policies, **self.modules.tests}

    @property
    def generated_is_stale(self) -> bool:
        """A generated module is there, for an OPA that is given the folder itself, and is not what it would be."""
        there = self.modules.policies.get(GENERATED_PATH)
        return there is not None and there != self.composition.text


@contextmanager
def laid_out(root: Path) -> Generator[Workspace]:
    """The policy in `root`; raises OSError."""
    modules = load_modules(root)
    composition = compose(modules)
    with tempfile.TemporaryDirectory(prefix="sidecar-policy-") as name:
        found = Workspace(root, modules, composition, Path(name, "decided"), Path(name, "tested"))
        write_files(found.decided, composition.policies)
        write_files(found.tested, found.everything)
        yield found
