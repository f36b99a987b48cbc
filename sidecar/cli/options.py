"""Flags made from a process's settings, so that a setting is described in one place only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, cast, get_args, get_origin

import click
from pydantic_core import PydanticUndefined

from sidecar.settings import SettingsInvalid, Sourced, load_as
from sidecar.settings.values import duration_text, parse_duration_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic.fields import FieldInfo

    Decorator = Callable[[Callable[..., None]], Callable[..., None]]

S = TypeVar("S", bound=Sourced)


def settings_options(kind: type[Sourced]) -> Decorator:
    """Adds `--config` and one flag for each setting; the function gets them all as keywords."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        for name, field in reversed(kind.model_fields.items()):
            function = setting_option(name, field)(function)
        return config(function)

    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="YAML file with any of these settings.",
    )
    return decorated


def setting_option(name: str, field: FieldInfo) -> Decorator:
    """The flag of one setting."""
    flag, told = "--" + name.replace("_", "-"), f"{field.description}  [{_default(field)}]"
    if field.annotation is bool:
        return click.option(flag, is_flag=True, flag_value="true", type=str, default=None, help=told)
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return click.option(
        flag,
        type=str,  # not click's own choice: that would report only the first flag that is wrong
        metavar="|".join(map(str, choices)) or name.rsplit("_", 1)[-1].upper(),
        help=told,
    )


def _default(field: FieldInfo) -> str:
    text = default_text(field)
    return "required" if text is None else f"default: {text}"


def default_text(field: FieldInfo) -> str | None:
    """A setting's default as one would write it in a flag; None where it has none."""
    if field.default is PydanticUndefined:
        return None
    default: object = field.default
    if isinstance(default, tuple):
        return ",".join(map(_word, cast("tuple[str | float, ...]", default))) or "none"
    if any(getattr(each, "func", None) is parse_duration_s for each in field.metadata):
        return duration_text(cast("float | None", default))
    if isinstance(default, bool):
        return str(default).lower()
    return "none" if default is None else str(default)


def _word(part: str | float) -> str:
    return part if isinstance(part, str) else duration_text(part)


def read_settings(kind: type[S], flags: dict[str, Any]) -> S:
    """Settings from the given flags (None: not given), or exit 2 with every problem listed."""
    config = flags.pop("config")
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return load_as(kind, given, config)
    except SettingsInvalid as invalid:
        exit_with(invalid.problems)


def exit_with(problems: Iterable[str]) -> NoReturn:
    """Prints all problems on standard error and exits 2."""
    for problem in problems:
        click.echo(f"sidecar: {problem}", err=True)
    sys.exit(2)
