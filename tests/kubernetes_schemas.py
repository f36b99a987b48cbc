"""Strict JSON Schemas for kubeconform out of what an API server says of itself (`/openapi/v3`).

kubeconform's own are on a web site. Strict: a field that the API server does not know is an error, as it is for
`kubectl --validate=strict`. Source: Kubernetes' documentation, "The Kubernetes API", OpenAPI V3.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOCATION = "{{.ResourceKind}}{{.KindSuffix}}.json"
"""kubeconform's name for a schema: kind, group up to its first dot, version, in small letters."""
_REFERENCE = "#/components/schemas/"


def write_schemas(get: Callable[[str], str], folder: Path) -> str:
    """One file for each kind that can be created; the value for `-schema-location`. `get` answers a path's GET."""
    index: dict[str, Any] = json.loads(get("/openapi/v3"))
    for place in index["paths"].values():
        document: dict[str, Any] = json.loads(get(place["serverRelativeURL"]))
        schemas = document.get("components", {}).get("schemas", {})
        definitions = {name: _strict(schema) for name, schema in schemas.items()}
        for name, file in _kinds(schemas):
            content = {"$ref": f"#/definitions/{name}", "definitions": definitions}
            (folder / file).write_text(json.dumps(content))
    return str(folder / LOCATION)


def _kinds(schemas: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, schema in schemas.items():
        kinds: list[dict[str, str]] = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) == 1 and "metadata" in schema.get("properties", {}):  # of more: DeleteOptions and its like
            kind = kinds[0]
            group = kind["group"].split(".")[0] or ""
            yield name, "-".join(filter(None, [kind["kind"].lower(), group, kind["version"]])) + ".json"


def _strict(schema: Any) -> Any:
    """The same with its references to `definitions`, and no members beside those that it names."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _strict(value) for key, value in schema.items() if key != "default"}
    if isinstance(result.get("$ref"), str):
        result["$ref"] = result["$ref"].replace(_REFERENCE, "#/definitions/")
    is_open = "additionalProperties" in result or result.get("x-kubernetes-preserve-unknown-fields")
    return result if "properties" not in result or is_open else {**result, "additionalProperties": False}
