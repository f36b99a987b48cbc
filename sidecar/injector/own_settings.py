"""Settings of `sidecar run` in a guarded pod: which the injector decides, what the operator may say of the others."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel, ValidationError, create_model

from sidecar.settings import Settings

SettingValue = str | int | float | bool | list[str | int | float]

DECIDED = frozenset(
    {"upstream", "server", "listen", "admin", "control", "engine", "opa", "policy", "data", "audit_dir", "subject_key"}
    | {"upstream_timeout_s", "default_model", "probes", "keep_alive_time"}
    | {"self_check", "self_check_host", "self_check_ports", "workers"}
)
"""Each follows from the pod, or has a field of its own in the injector's configuration."""


def problems_of(settings: dict[str, SettingValue]) -> list[str]:
    """What is wrong with each setting by its own type and bounds. Files are in the pod, so that none is looked for."""
    problems = [f"{name} is the injector's to decide" for name in sorted(DECIDED & settings.keys())]
    unknown = settings.keys() - DECIDED - Settings.model_fields.keys()
    problems += [f"{name} is no setting of `sidecar run`" for name in sorted(unknown)]
    return problems + _misfits({name: settings[name] for name in settings if name not in DECIDED | unknown})


def _misfits(settings: dict[str, SettingValue]) -> list[str]:
    fields: dict[str, Any] = {
        name: (Settings.model_fields[name].annotation, Settings.model_fields[name]) for name in settings
    }
    kind: type[BaseModel] = create_model("Given", **fields)
    try:
        kind.model_validate({name: _word(value) for name, value in settings.items()})
    except ValidationError as error:
        return [f"{detail['loc'][0]}: {detail['msg'].removeprefix('Value error, ')}" for detail in error.errors()]
    return []


def _word(value: SettingValue) -> object:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def flag(name: str, value: object) -> str:
    """A setting as an argument of `sidecar run`: `audit_keep`, `12h` is `--audit-keep=12h`."""
    text = ",".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
    return f"--{name.replace('_', '-')}={literal(text)}"


def literal(text: str) -> str:
    """Text that the kubelet passes on as it is: it would put variables in place of `$(NAME)`, and takes `$$` for `$`.

    Source: Kubernetes API reference, Container, `args`.
    """
    return text.replace("$", "$$")
