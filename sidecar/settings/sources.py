"""What the settings of all our processes have in common: where they come from, and who may set what."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

if TYPE_CHECKING:
    from pathlib import Path


class Sourced(BaseSettings):
    """Flag over variable over file over default. What is no setting is refused; what is set stays."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, validate_default=True, enable_decoding=False, defer_build=True
    )

    variables_of_others: ClassVar[str] = ""
    """A pattern of variables that begin with our prefix and are no settings, without the prefix."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flag over variable over file. `.env` files are not read: too easy to overlook."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)

    @field_validator("tls_key", check_fields=False)
    @classmethod
    def _is_tls_pair(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if (value is None) != (info.data.get("tls_cert") is None):
            raise ValueError("--tls-cert and --tls-key come together")
        return value
