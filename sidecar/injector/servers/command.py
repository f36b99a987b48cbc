"""What a container runs, as far as its pod says: words, flags, variables."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.injector.shape import Container, Variable

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "busybox"})


@dataclass(frozen=True)
class Command:
    """A container's command line and environment."""

    container: Container

    @cached_property
    def image(self) -> str:
        """The image's name without registry, tag and digest: `nvidia/tritonserver`."""
        name = (self.container.get("image") or "").partition("@")[0]
        folder, _, last = name.rpartition("/")
        host, _, path = folder.partition("/")
        is_registry = "." in host or ":" in host or host == "localhost"
        return "/".join(part for part in (path if is_registry else folder, last.partition(":")[0]) if part)

    @cached_property
    def given(self) -> tuple[str, ...]:
        """Command and arguments as they stand; empty where all is the image's."""
        return (*(self.container.get("command") or ()), *(self.container.get("args") or ()))

    @cached_property
    def is_shell(self) -> bool:
        """Whether a shell is given a script: flags behind it would be the script's, not the server's."""
        return any(posixpath.basename(word) in SHELLS for word in self.given[:2])

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the command line; of a shell's script, those within it."""
        if not self.is_shell:
            return self.given
        return tuple(word for text in self.given for word in _split(text))

    @cached_property
    def programs(self) -> frozenset[str]:
        """Words that may name what runs: no flags, no folders."""
        return frozenset(posixpath.basename(word) for word in self.words if not word.startswith("-"))

    def flag(self, *names: str) -> str | None:
        """The value of the last flag of these names: `--name=value` or `--name value`."""
        found: str | None = None
        for index, word in enumerate(self.words):
            name, equals, value = word.partition("=")
            if name in names:
                found = value if equals else "".join(self.words[index + 1 : index + 2])
        return found

    def has_flag(self, beginning: str) -> bool:
        """Whether any flag begins so: servers take abbreviations."""
        return any(word.startswith(beginning) for word in self.words)

    def says(self, flag: str) -> bool:
        """Whether a flag such as `--host=127.0.0.1` stands there, in either form."""
        name, _, value = flag.partition("=")
        return self.flag(name) == value

    def variable(self, name: str) -> str | None:
        """The value of a variable; None where there is none, or it comes from elsewhere (see `is_indirect`)."""
        return next((one.get("value") for one in self._variables(name)), None)

    def is_indirect(self, name: str) -> bool:
        """Whether a variable has a value that the pod does not show."""
        return any(one.get("valueFrom") is not None for one in self._variables(name)[:1])

    def _variables(self, name: str) -> list[Variable]:
        """The last one of a name counts."""
        return [one for one in reversed(self.container.get("env") or []) if one["name"] == name]


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an open quote: no shell would take it either
        return re.split(r"\s+", text)
