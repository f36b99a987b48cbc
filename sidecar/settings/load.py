"""Where settings come from, and what is wrong with them: everything at once, one line each."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from sidecar.settings.fields import Settings
from sidecar.settings.sources import Sourced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

S = TypeVar("S", bound=Sourced)

_OF_KUBERNETES = r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)"
"""What it sets in every pod beside a Service whose name begins as our variables do: `sidecar`, `sidecar-registry`.
Source: its documentation, "Service", environment variables."""


class SettingsInvalid(Exception):
    """All that is wrong with the settings, at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def load(flags: Mapping[str, Any], config: Path | None = None) -> Settings:
    """The sidecar's settings; see `load_as`."""
    return load_as(Settings, flags, config)


def load_as(kind: type[S], flags: Mapping[str, Any], config: Path | None = None) -> S:
    """Settings of a process from flags, its variables and a YAML file. Raises `SettingsInvalid`."""
    problems = _unreadable(config) if config is not None else []
    if problems:
        raise SettingsInvalid(problems)
    made = type(kind.__name__, (kind,), {"model_config": SettingsConfigDict(yaml_file=config)})
    with_file = cast("type[S]", made)
    problems = list(_unknown_variables(kind, os.environ))
    try:
        settings = with_file(**flags)
    except ValidationError as error:
        problems += _texts(kind, error)
    else:
        if not problems:
            return settings
    raise SettingsInvalid(problems)


def _unreadable(config: Path) -> list[str]:
    """Why the file is no set of settings; what is wrong with single settings is found later."""
    import yaml  # noqa: PLC0415 - who has no file does not wait for it

    try:
        content: object = yaml.safe_load(config.read_bytes())
    except OSError as error:
        return [f"--config: {config}: {error.strerror}"]
    except yaml.YAMLError as error:
        return [f"--config: {config} is not YAML: {' '.join(str(error).split())}"]
    if content is not None and not isinstance(content, dict):
        return [f"--config: {config} holds no settings: write one `name: value` a line"]
    return []


def _unknown_variables(kind: type[Sourced], environ: Mapping[str, str]) -> Iterator[str]:
    prefix = kind.model_config.get("env_prefix", "")
    known = {name.upper() for name in kind.model_fields}
    others = re.compile(f"{_OF_KUBERNETES}|{kind.variables_of_others}")
    for variable in sorted(environ):
        name = variable.removeprefix(prefix)
        if variable.startswith(prefix) and name not in known and not others.fullmatch(name):
            yield f"{variable}: is no setting"


def _unknown(kind: type[Sourced], name: str) -> str:
    known = name.replace("-", "_")
    return f"is no setting in a file; write {known}" if known in kind.model_fields else "is no setting"


def _texts(kind: type[Sourced], error: ValidationError) -> list[str]:
    problems: list[str] = []
    for detail in error.errors(include_url=False, include_input=False):
        flag = "--" + ".".join(str(part) for part in detail["loc"]).replace("_", "-")
        text = {"missing": "is required", "extra_forbidden": _unknown(kind, str(detail["loc"][0]))}.get(
            detail["type"], detail["msg"].removeprefix("Value error, ")
        )
        problems.append(text if text.startswith("--") else f"{flag}: {text}")
    return problems
