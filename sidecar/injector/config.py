"""What the operator says about guarding, the same for all pods: `injector.yaml`, which the chart writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, ValidationInfo, field_validator

from sidecar.injector.own_settings import problems_of
from sidecar.injector.quantities import QUANTITY, SIZE

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.injector.own_settings import SettingValue

FILE_LIMIT_BYTES = 1 << 20
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
Image = Annotated[str, StringConstraints(pattern=r"^\S{1,512}$")]
Amount = Annotated[str, StringConstraints(pattern=f"^{QUANTITY.pattern}$")]


class ConfigInvalid(Exception):
    """All that is wrong with the injector's configuration, at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Resources(_Part):
    """Kubernetes' quantities by resource name, such as `{cpu: 250m, memory: 128Mi}`."""

    requests: dict[str, Amount] = Field(default_factory=dict)
    limits: dict[str, Amount] = Field(default_factory=dict)


class ResourcesOf(_Part):
    """What each guard container gets. OPA's memory grows with the bundles: some twenty times their JSON."""

    sidecar: Resources = Resources(requests={"cpu": "250m", "memory": "128Mi"}, limits={"memory": "512Mi"})
    opa: Resources = Resources(requests={"cpu": "250m", "memory": "128Mi"}, limits={"memory": "1Gi"})


class AuditVolume(_Part):
    """Where records wait until they are shipped: a volume of the node, or with a class a claim of the pod's own."""

    size: Annotated[str, StringConstraints(pattern=f"^{SIZE.pattern}$")] = "4Gi"
    storage_class: Name | None = None


class InjectorConfig(_Part):
    """All that a guarded pod has beside what its author wrote. Times in seconds."""

    sidecar_image: Image
    opa_image: Image = "openpolicyagent/opa:1.22.2-static"
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    engine: Literal["opa", "embedded"] = "opa"
    admin_port: int = Field(default=8091, ge=1024, le=65_535)
    run_as_user: int = Field(default=65_532, ge=1, le=2**31 - 1)
    secret: Name = "model-policy-sidecar"  # noqa: S105 - the name of a Secret, which is none
    """The Secret with the files that guard containers read: in every guarded namespace, by this name."""
    settings: dict[str, str | int | float | bool | list[str | int | float]] = Field(default_factory=dict)
    """Settings of `sidecar run` by name; not those that the injector decides itself (`own_settings.DECIDED`)."""
    opa_config: str | None = Field(default=None, max_length=64 << 10)
    """OPA's file, which the embedded engine reads too; without it that has the shipped rules and a file of data."""
    resources: ResourcesOf = ResourcesOf()
    audit_volume: AuditVolume = AuditVolume()
    drain_s: int = Field(default=10, ge=1, le=300)
    """How long a pod that is told to end still gets new connections: until every proxy knows that it is leaving."""
    keep_alive_time_s: int = Field(default=5, ge=1, le=300)
    upstream_timeout_s: int = Field(default=30, ge=1, le=3_600)
    upstream_timeout_limit_s: int = Field(default=300, ge=1, le=3_600)
    allow_shadow: bool = False
    allow_metadata: bool = False

    @classmethod
    def load(cls, path: Path) -> InjectorConfig:
        """The configuration in a YAML file. Raises `ConfigInvalid`."""
        try:
            with path.open("rb") as file:
                content = file.read(FILE_LIMIT_BYTES + 1)
            text = content.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigInvalid([f"{path}: {error}"]) from error
        if len(content) > FILE_LIMIT_BYTES:
            raise ConfigInvalid([f"{path}: is over {FILE_LIMIT_BYTES} bytes, more than a ConfigMap holds"])
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, source: str = "configuration") -> InjectorConfig:
        """The same out of the file's text. Raises `ConfigInvalid`."""
        try:
            content: object = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:
            raise ConfigInvalid([f"{source} is not YAML: {' '.join(str(error).split())}"]) from error
        if not isinstance(content, dict):
            raise ConfigInvalid([f"{source} holds no configuration: write one `name: value` a line"])
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise ConfigInvalid([f"{source}: {problem}" for problem in _texts(error)]) from error

    @field_validator("settings")
    @classmethod
    def _are_settings(cls, value: dict[str, SettingValue]) -> dict[str, SettingValue]:
        if problems := problems_of(value):
            raise ValueError("; ".join(problems))
        return value

    @field_validator("opa_config")
    @classmethod
    def _fits_engine(cls, value: str | None, info: ValidationInfo) -> str | None:
        engine = info.data.get("engine")
        cross_checks = _cross_checks(info.data.get("settings", {}))  # absent where they are wrong, as the engine is
        if cross_checks and engine == "opa":
            raise ValueError("cross_check_share in settings is for engine embedded: OPA is what it is held against")
        if not value and (cross_checks or engine == "opa"):
            what = "cross_check_share in settings" if cross_checks else "engine opa"
            raise ValueError(f"is required with {what}: `sidecar registry opa-config` prints one")
        return value or None

    @field_validator("upstream_timeout_limit_s")
    @classmethod
    def _is_no_less(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("upstream_timeout_s", value):
            raise ValueError("is less than upstream_timeout_s")
        return value

    @property
    def runs_opa(self) -> bool:
        """Whether a guarded pod has OPA in it: as its engine, or to be asked the same now and then."""
        return self.engine == "opa" or _cross_checks(self.settings)

    @property
    def mode(self) -> str:
        """What pods are guarded with whose authors ask for nothing: `enforce` or `shadow`."""
        return str(self.settings.get("mode", "enforce"))

    @property
    def metadata(self) -> str:
        """Whether metadata endpoints pass, where authors ask for nothing: `deny` or `allow`."""
        return str(self.settings.get("metadata", "deny"))


def _cross_checks(settings: dict[str, SettingValue]) -> bool:
    return float(cast("str | float", settings.get("cross_check_share", 0))) > 0


def _texts(error: ValidationError) -> list[str]:
    texts: list[str] = []
    for detail in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in cast("tuple[object, ...]", detail["loc"]))
        known = {"missing": "is required", "extra_forbidden": "is no part of it"}
        texts.append(f"{place}: {known.get(detail['type'], detail['msg'].removeprefix('Value error, '))}")
    return texts
