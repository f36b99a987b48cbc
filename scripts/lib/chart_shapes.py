"""Shapes that the chart's values share: parts of Kubernetes' own objects, and the settings of our own programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sidecar.injector.own_settings import DECIDED
from sidecar.registry.serving.settings import RegistrySettings
from sidecar.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection

    from sidecar.settings import Sourced

CHARTS_OWN = frozenset({"audit_archive"})
"""Settings of `sidecar run` that other values of the chart set."""
REGISTRYS_OWN = frozenset(
    {"database", "listen", "tls_cert", "tls_key", "tokens", "signing_key", "policy_key", "subject_key"}
)
_TEXT = {"type": "string"}
_STRINGS = {"type": "object", "additionalProperties": _TEXT}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65_535}
_QUANTITY = {"type": ["string", "number"]}


def definitions() -> dict[str, Any]:
    """For `definitions` of values.schema.json."""
    quantities = _closed(cpu=_QUANTITY, memory=_QUANTITY, **{"ephemeral-storage": _QUANTITY})
    return {
        "guardedNamespace": {
            **_closed(name=_TEXT, ports=_ports(), **{"from": {"type": "array", "items": _ref("peer")}}),
            "required": ["name", "ports"],
        },
        "labelSelector": _closed(matchLabels=_STRINGS, matchExpressions=_expressions()),
        "peer": _closed(
            namespaceSelector=_ref("labelSelector"),
            podSelector=_ref("labelSelector"),
            ipBlock={**_closed(cidr=_TEXT, **{"except": {"type": "array", "items": _TEXT}}), "required": ["cidr"]},
        ),
        "port": _PORT,
        "reference": {**_closed(name=_TEXT), "required": ["name"]},
        "registrySettings": _settings(RegistrySettings, REGISTRYS_OWN),
        "resources": _closed(requests=quantities, limits=quantities),
        "settings": _settings(Settings, DECIDED | CHARTS_OWN),
        "strings": _STRINGS,
        "toleration": _closed(
            key=_TEXT, operator=_TEXT, value=_TEXT, effect=_TEXT, tolerationSeconds={"type": "integer"}
        ),
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}


def _closed(**properties: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _ports() -> dict[str, Any]:
    return {
        "type": "array",
        "items": _PORT,
        "minItems": 1,
        "description": "What the models' Services target: the sidecars listen there.",
    }


def _expressions() -> dict[str, Any]:
    values = {"type": "array", "items": _TEXT}
    return {"type": "array", "items": _closed(key=_TEXT, operator=_TEXT, values=values)}


def _settings(kind: type[Sourced], without: Collection[str]) -> dict[str, Any]:
    free = {name: field for name, field in kind.model_fields.items() if name not in without}
    value = {"type": ["string", "number", "boolean", "array"]}
    return _closed(**{name: {**value, "description": field.description} for name, field in free.items()})
