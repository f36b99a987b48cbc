"""Where settings come from, and what is wrong with them: everything at once, one line each."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from sidecar.settings.fields import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class SettingsInvalid(Exception):
    """All that is wrong with the settings, at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def load(flags: Mapping[str, Any], config: Path | None = None) -> Settings:
    """Settings from flags, `SIDECAR_` variables and a YAML file. Raises SettingsInvalid."""
    problems = _unreadable(config) if config is not None else []
    if problems:
        raise SettingsInvalid(problems)

    class _WithFile(Settings):
        model_config = SettingsConfigDict(yaml_file=config)

    problems = _unknown_variables(os.environ)
    try:
        settings = _WithFile(**flags)
    except ValidationError as error:
        problems += _texts(error)
    else:
        if not problems:
            return settings
    raise SettingsInvalid(problems)


def _unreadable(config: Path) -> list[str]:
    """Why the file is no set of settings; what is wrong with single settings is found later."""
    try:
        content: object = yaml.safe_load(config.read_bytes())
    except OSError as error:
        return [f"--config: {config}: {error.strerror}"]
    except yaml.YAMLError as error:
        return [f"--config: {config} is not YAML: {' '.join(str(error).split())}"]
    if content is not None and not isinstance(content, dict):
        return [f"--config: {config} holds no settings: write one `name: value` a line"]
    return []


_NOT_SETTINGS = re.compile(r"SIDECAR_(CACHE|REGISTRY_.*|PORT(_.*)?|SERVICE_(HOST|PORT.*))")
"""The scripts' cache folder, the registry's settings, and what Kubernetes sets in every pod beside a Service named
`sidecar`."""


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    known = {f"SIDECAR_{name.upper()}" for name in Settings.model_fields}
    return [
        f"{name}: is no setting"
        for name in sorted(environ)
        if name.startswith("SIDECAR_") and name not in known and not _NOT_SETTINGS.fullmatch(name)
    ]


def _unknown(name: str) -> str:
    known = name.replace("-", "_")
    return f"is no setting in a file; write {known}" if known in Settings.model_fields else "is no setting"


def _texts(error: ValidationError) -> list[str]:
    problems: list[str] = []
    for detail in error.errors(include_url=False, include_input=False):
        flag = "--" + ".".join(str(part) for part in detail["loc"]).replace("_", "-")
        text = {"missing": "is required", "extra_forbidden": _unknown(str(detail["loc"][0]))}.get(
            detail["type"], detail["msg"].removeprefix("Value error, ")
        )
        problems.append(text if text.startswith("--") else f"{flag}: {text}")
    return problems
