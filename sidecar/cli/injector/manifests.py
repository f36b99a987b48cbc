"""Manifests as text: YAML in, as kubectl understands it, and YAML out that kubectl understands the same way.

YAML has versions. PyYAML speaks 1.1, Kubernetes' tools a mixture: a date or `12:30` is a string to them, and `1e3` a
number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sidecar.injector.values import Json

LIMIT_BYTES = 32 << 20
"""Of all manifests that come at once."""
_NUMBER_OF_OTHERS = re.compile(r"[-+.]?[0-9][-+.0-9a-fA-FxXoOeE_:]*")


class ManifestInvalid(Exception):
    """The text is no list of manifests; says where."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problems = [problem]


def parse(text: bytes, name: str) -> list[Json]:
    """All documents, without empty ones; `name` is for the problem. Raises `ManifestInvalid`."""
    if len(text) > LIMIT_BYTES:
        raise ManifestInvalid(f"{name}: is over {LIMIT_BYTES} bytes; give the manifests one by one")
    try:
        documents: list[object] = list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestInvalid(f"{name} is not YAML: {' '.join(str(error).split())}") from None
    objects = [document for document in documents if document is not None]
    if not all(isinstance(document, dict) for document in objects):
        raise ManifestInvalid(f"{name}: a document in it is no object; a manifest begins with apiVersion and kind")
    return cast("list[Json]", objects)


def dump(documents: Iterable[Json]) -> str:
    """All of them, texts of several lines as blocks."""
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=1 << 16, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    """Without dates and without numbers to the base of 60."""


class _Dumper(yaml.SafeDumper):
    """Without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """See PyYAML."""
        del data
        return True


_RESOLVED = {
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(0b[01_]+|0[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"[-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.[0-9]+([eE][-+]?[0-9]+)?)$"
        r"|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
}


def _resolvers() -> dict[str | None, list[tuple[str, re.Pattern[str]]]]:
    """Which plain words are no strings, by their first character: PyYAML's own, but for what is said above."""
    known = cast("dict[str | None, list[tuple[str, re.Pattern[str]]]]", yaml.SafeLoader.yaml_implicit_resolvers)
    return {
        first: [(tag, _RESOLVED.get(tag, pattern)) for tag, pattern in each if tag != "tag:yaml.org,2002:timestamp"]
        for first, each in known.items()
    }


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    represent: Callable[..., yaml.ScalarNode] = cast("Any", dumper).represent_scalar  # its stubs lack a type
    style = "|" if "\n" in text else '"' if _NUMBER_OF_OTHERS.fullmatch(text) else None
    return represent("tag:yaml.org,2002:str", text, style=style)


_Loader.yaml_implicit_resolvers = _resolvers()
_Dumper.add_representer(str, _text)
