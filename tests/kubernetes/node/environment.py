"""A container's environment variables, as its spec asks for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.kubernetes.node.quantities import in_units

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.kubernetes.node.api import Json

REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


class NotThere(Exception):
    """Something that a pod names does not exist, or not yet: its container or volume waits for it."""


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` replaced by its value, if there is one; `$$` means `$`, so `$$(NAME)` stays as `$(NAME)`."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables.get(found[1], found[0])

    return REFERENCE.sub(value, text)


class Environment:
    """Reads what environment variables come from.

    `config(kind, name)` is the data of a ConfigMap or Secret by text, None where there is none.
    """

    def __init__(
        self, pod: Json, given: Mapping[str, str], config: Callable[[str, str], Mapping[str, str] | None]
    ) -> None:
        self._pod = pod
        self._given = given
        self._config = config

    def of(self, container: Json) -> dict[str, str]:
        """All variables that the spec sets; each may refer to those before it. Raises NotThere."""
        found = dict(self._given)
        for source in container.get("envFrom", []):
            found |= self._all_of(source)
        for each in container.get("env", []):
            value = self._value(each, container, found)
            if value is not None:
                found[each["name"]] = value
        return found

    def _value(self, variable: Json, container: Json, before: Mapping[str, str]) -> str | None:
        source = variable.get("valueFrom")
        if source is None:
            return expand(variable.get("value", ""), before)
        if "fieldRef" in source:
            return field(self._pod, source["fieldRef"]["fieldPath"])
        if "resourceFieldRef" in source:
            return resource(source["resourceFieldRef"], container)
        [(kind, reference)] = source.items()
        return self._entry(kind.removesuffix("KeyRef"), reference)

    def _entry(self, kind: str, reference: Json) -> str | None:
        data = self._config(kind, reference["name"]) or {}
        if reference["key"] not in data and not reference.get("optional"):
            raise NotThere(f"{kind} {reference['name']} with key {reference['key']}")
        return data.get(reference["key"])

    def _all_of(self, source: Json) -> dict[str, str]:
        [(kind, reference)] = [(kind, value) for kind, value in source.items() if kind != "prefix"]
        data = self._config(kind.removesuffix("Ref"), reference["name"])
        if data is None and not reference.get("optional"):
            raise NotThere(f"{kind.removesuffix('Ref')} {reference['name']}")
        return {source.get("prefix", "") + key: value for key, value in (data or {}).items()}


def field(pod: Json, path: str) -> str:
    """One field of a pod by the downward API's `fieldPath`. Raises NotThere where the pod has no such field."""
    if subscript := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return pod["metadata"].get(subscript[1], {}).get(subscript[2], "")
    value = pod
    for name in path.split("."):
        if name not in value:
            raise NotThere(f"field {path}")
        value = value[name]
    if isinstance(value, dict):  # all labels, or all annotations
        return "\n".join(f'{key}="{_escaped(each)}"' for key, each in sorted(value.items()))
    return str(value)


def resource(reference: Json, container: Json) -> str:
    """A container's request or limit, rounded up to its divisor. Raises NotThere where the spec has none."""
    kind, _, name = reference["resource"].partition(".")
    amount = container.get("resources", {}).get(kind, {}).get(name)
    if amount is None:
        raise NotThere(f"{reference['resource']} of container {container['name']}")
    return str(in_units(amount, reference.get("divisor") or "1"))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
