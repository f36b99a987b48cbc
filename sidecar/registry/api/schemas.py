"""JSON Schemas of records' bodies, for the OpenAPI document. What is accepted is judged by `registry.bodies`."""

from __future__ import annotations

from typing import Any

_TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}

DATASET: dict[str, Any] = {
    "type": "object",
    "required": ["created_unix_s", "consent_scopes"],
    "additionalProperties": False,
    "properties": {
        "created_unix_s": {"type": "number", "description": "When its data was collected: staleness counts from here"},
        "consent_scopes": _TEXTS | {"description": "Uses that the people in it have agreed to"},
        "parents": _TEXTS | {"description": "Data versions that it was made from; each must be here"},
        "source": {"type": ["string", "object"], "description": "Where it lies; engines do not get this"},
        "checksum": {"type": "string", "description": "Engines do not get this"},
    },
}
MODEL: dict[str, Any] = {
    "type": "object",
    "description": "`owner`, `means` (how far group means may move by themselves), and the model's facts as the data "
    "document has them: risk_tier, max_age_days, required_scopes, groups, rules, mitigation, read, …",
    "properties": {
        "owner": {"type": "string"},
        "means": {
            "type": "object",
            "required": ["max_drift", "min_n"],
            "additionalProperties": False,
            "properties": {"max_drift": {"type": "number", "minimum": 0}, "min_n": {"type": "integer", "minimum": 1}},
        },
        "rules": {"type": "object", "additionalProperties": {"enum": ["enforce", "shadow", "off"]}},
    },
}
GROUP_MEAN: dict[str, Any] = {
    "type": "object",
    "required": ["means"],
    "additionalProperties": False,
    "properties": {
        "means": {"type": "object", "additionalProperties": {"type": "number"}},
        "provenance": {"type": "object", "description": "Since and until when, how many, who set them"},
    },
}
