"""What a pod's author asks for by annotations: an allow-list, each within the operator's bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.injector import names
from sidecar.injector.values import shown
from sidecar.settings.checks import SERVER_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.injector.config import InjectorConfig

CONTAINER_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,199}")
PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
NUMBER = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Asked:
    """The annotations' values; None where the injector is to find out itself, or the operator's word holds."""

    container: str | None
    server: str | None
    port: int | str | None
    default_model: str | None
    upstream_timeout_s: int | None
    metadata: str | None
    mode: str | None


def read_asked(annotations: Mapping[str, str], config: InjectorConfig, problems: list[str]) -> Asked:
    """What is asked for; what may not be is added to `problems`."""
    for name in sorted(annotations):
        if name.startswith(names.PREFIX) and name not in names.ASKED + names.WRITTEN:
            known = ", ".join(names.ASKED)
            problems.append(f"annotation {shown(name)} is unknown; remove it, or write one of {known}")
    reader = _Reader(annotations, problems)
    return Asked(
        container=reader.word(names.CONTAINER, CONTAINER_NAME, "the name of a container"),
        server=reader.choice(names.SERVER, SERVER_KINDS),
        port=_port(reader),
        default_model=reader.word(names.DEFAULT_MODEL, MODEL_NAME, "the name of a model"),
        upstream_timeout_s=_timeout_s(reader, config),
        metadata=_widened(
            reader,
            names.METADATA,
            ("deny", "allow"),
            "metadata",
            allowed=config.allow_metadata,
            default=config.metadata,
        ),
        mode=_widened(
            reader, names.MODE, ("enforce", "shadow"), "shadow", allowed=config.allow_shadow, default=config.mode
        ),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    annotations: Mapping[str, str]
    problems: list[str]

    def word(self, name: str, pattern: re.Pattern[str], meaning: str) -> str | None:
        value = self.annotations.get(name)
        if value is None or pattern.fullmatch(value):
            return value
        self.problems.append(f"annotation {name}: {shown(value)} is not {meaning}; correct it, or remove it")
        return None

    def choice(self, name: str, words: tuple[str, ...]) -> str | None:
        value = self.annotations.get(name)
        if value is None or value in words:
            return value
        self.problems.append(f"annotation {name}: {shown(value)} is none of {', '.join(words)}; write one of them")
        return None


def _port(reader: _Reader) -> int | str | None:
    value = reader.annotations.get(names.PORT, "")
    if NUMBER.fullmatch(value):
        if 1 <= int(value) <= 65_535:
            return int(value)
        reader.problems.append(f"annotation {names.PORT}: {value} is no port; write the one that the model listens on")
        return None
    return reader.word(names.PORT, PORT_NAME, "a port's number or name")


def _timeout_s(reader: _Reader, config: InjectorConfig) -> int | None:
    value = reader.word(names.UPSTREAM_TIMEOUT_S, NUMBER, "a number of seconds")
    limit_s = config.upstream_timeout_limit_s
    if value is None or 1 <= int(value) <= limit_s:
        return None if value is None else int(value)
    reader.problems.append(
        f"annotation {names.UPSTREAM_TIMEOUT_S}: {value} is not within 1 to {limit_s} seconds; "
        "ask for less, or the operator for a higher upstream_timeout_limit_s"
    )
    return None


def _widened(
    reader: _Reader, name: str, words: tuple[str, str], allowance: str, *, allowed: bool, default: str
) -> str | None:
    """Of two words, the second one weakens the guard: only where the operator says so."""
    value = reader.choice(name, words)
    if value != words[1] or allowed or default == words[1]:
        return value
    reader.problems.append(f"annotation {name}: {value} is not allowed here; remove it, or ask for allow_{allowance}")
    return None
