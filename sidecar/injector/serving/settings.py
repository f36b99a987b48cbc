"""Every setting of `sidecar injector serve`: meaning, unit, default. What is put into pods is in the `--config` file.

Each field is a flag (`--certificate-dir`) and a variable (`SIDECAR_INJECTOR_CERTIFICATE_DIR`); flag over variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from sidecar.settings import Sourced
from sidecar.settings.values import Address, AddressField

T = TypeVar("T", Path, str)


class InjectorSettings(Sourced):
    """All settings, checked. Frozen: a change means a restart, except for what is in files."""

    model_config = SettingsConfigDict(env_prefix="SIDECAR_INJECTOR_")

    config: Path = Field(description="What is put into pods (YAML); read anew when it changes: docs/kubernetes.md")
    listen: AddressField = Field(
        default=Address("127.0.0.1", 9443), description="Webhooks, over TLS, as HOST:PORT; port 0 picks one"
    )
    admin: AddressField = Field(default=Address("127.0.0.1", 9081), description="Health and metrics, in the clear")
    certificates: Literal["files", "self-managed"] = Field(
        default="files", description="files: somebody else makes and renews them; self-managed: the injector does"
    )
    certificate_dir: Path | None = Field(
        default=None,
        description="With files: folder with tls.crt, tls.key and ca.crt, whom OPA trusts at the registry; read anew "
        "when they change",
    )
    namespace: str | None = Field(default=None, description="With self-managed: where the release's Secrets are")
    name: str | None = Field(
        default=None,
        description="With self-managed: the release's full name, from which NAME-ca, NAME-injector-tls, "
        "NAME-registry-tls (Secrets) and NAME (webhook configurations) follow",
    )
    service: str | None = Field(default=None, description="With self-managed: the injector's Service")
    registry_service: str | None = Field(
        default=None, description="With self-managed: the registry's Service; without it no certificate is made for one"
    )

    @field_validator("certificate_dir")
    @classmethod
    def _is_with_files(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return _with("files", value, info)

    @field_validator("namespace", "name", "service")
    @classmethod
    def _is_with_self_managed(cls, value: str | None, info: ValidationInfo) -> str | None:
        return _with("self-managed", value, info)

    @field_validator("registry_service")
    @classmethod
    def _is_of_use(cls, value: str | None, info: ValidationInfo) -> str | None:
        return value if value is None else _with("self-managed", value, info)


def _with(mode: str, value: T | None, info: ValidationInfo) -> T | None:
    chosen = info.data.get("certificates")
    if value is None and chosen == mode:
        raise ValueError(f"is required with --certificates {mode}")
    if value is not None and chosen not in (mode, None):
        raise ValueError(f"is for --certificates {mode}")
    return value
