"""A directory of Rego and a data file → one immutable bundle, with its content hash as revision.

Everything that needs no engine is found wrong here; compiling is the engine's to try.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from sidecar.bundles.archive import DATA, MANIFEST, write
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compose import check_data, compose, load_modules
from sidecar.policy.data_document import check_fallbacks
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REVISION_LENGTH = 16
"""Hexadecimal digits of the content's SHA-256: 64 bits tell the policies of one deployment apart."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is activated. `modules`: path to text, with the generated one; `absent`: shipped ones missing."""

    revision: str
    modules: Mapping[str, str]
    data_json: bytes
    absent: tuple[str, ...]

    def archive(self) -> bytes:
        """The bundle as OPA reads it: a tar.gz, the same bytes for the same content."""
        return write(dict(self._files()))

    def _files(self) -> Iterator[tuple[str, bytes]]:
        # One bundle is the whole policy, so it owns the whole of `data`.
        yield MANIFEST, Manifest(self.revision).as_bytes()
        yield DATA, self.data_json
        for path, text in self.modules.items():
            yield path, text.encode()


def build(root: Path, data_file: Path | None) -> Bundle:
    """Reads, checks and composes; raises `PolicyProblems` with all that is wrong. Blocks: use a thread.

    An absent shipped guard is no problem here: the generated module refuses in its stead, and says so.
    """
    problems: list[str] = []
    data_json = _data(data_file, problems)
    try:
        composition = compose(load_modules(root))
    except OSError as error:
        raise PolicyProblems([*problems, f"{root}: {error}"]) from None
    problems.extend(composition.problems)
    problems.extend(f"{data_file}: {told}" for told in check_fallbacks(orjson.loads(data_json), composition.fallbacks))
    if problems:
        raise PolicyProblems(problems)
    policies = composition.policies
    return Bundle(content_revision(policies, data_json), policies, data_json, composition.absent)


def _data(path: Path | None, problems: list[str]) -> bytes:
    """The data as canonical JSON: both engines get the same, whatever they make of repeated keys."""
    if path is None:
        return b"{}"
    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        problems.append(f"{path}: {error}")
        return b"{}"
    problems.extend(f"{path}: {problem}" for problem in check_data(document))
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def content_revision(texts: Mapping[str, str], data_json: bytes) -> str:
    """The hash of a policy's modules and data: what a kept bundle must have to be what decided."""
    digest = hashlib.sha256()
    for part in (*(text for item in sorted(texts.items()) for text in item), data_json):
        encoded = part if isinstance(part, bytes) else part.encode()
        digest.update(len(encoded).to_bytes(8))
        digest.update(encoded)
    return digest.hexdigest()[:REVISION_LENGTH]
