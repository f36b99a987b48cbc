"""Settings of `sidecar run` in a guarded pod: which the injector decides, what the operator may say of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError, ValidationInfo, field_validator

from sidecar.settings import Settings
from sidecar.settings.checks import SERVER_KINDS

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

SettingValue = str | int | float | bool | list[str | int | float]

DECIDED = frozenset(
    {"upstream", "server", "listen", "admin", "control", "audit_dir", "subject_key"}
    | {"engine", "bundles", "opa", "policy", "data"}
    | {"upstream_timeout_s", "default_model", "probes", "keep_alive_time"}
    | {"self_check", "self_check_host", "self_check_ports", "workers"}
)
"""Each follows from the pod, or has a field of its own in the injector's configuration."""


class _InPod(Settings):
    """The settings of a guarded pod, where only what is given counts: no variables of this machine, no file of it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """See pydantic-settings."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("consent_keys", check_fields=False)
    @classmethod
    def _is_there(cls, value: str | None) -> str | None:
        return value

    @field_validator("cross_check_share", check_fields=False)
    @classmethod
    def _has_what_opa_has(cls, value: float, info: ValidationInfo) -> float:
        del info  # bundles and OPA follow from `InjectorConfig`
        return value

    @field_validator("opa", check_fields=False)
    @classmethod
    def _opa_fits_engine(cls, value: str | None, info: ValidationInfo) -> str | None:
        del info
        return value


OF_SOME_POD = {"upstream": "http://127.0.0.1:8080", "server": SERVER_KINDS[0]}


def problems_of(settings: dict[str, SettingValue]) -> list[str]:
    """Why a sidecar with these settings would not start, in whatever pod."""
    problems = [f"{name} is the injector's to decide" for name in sorted(DECIDED & settings.keys())]
    unknown = settings.keys() - DECIDED - Settings.model_fields.keys()
    problems += [f"{name} is no setting of `sidecar run`" for name in sorted(unknown)]
    given = {name: _word(settings[name]) for name in settings if name not in DECIDED | unknown}
    try:
        _InPod.model_validate(OF_SOME_POD | given)
    except ValidationError as error:
        problems += [f"{detail['loc'][0]}: {detail['msg'].removeprefix('Value error, ')}" for detail in error.errors()]
    return problems


def _word(value: SettingValue) -> object:
    return ",".join(map(str, value)) if isinstance(value, list) else value
