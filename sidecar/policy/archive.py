"""A bundle's archive → a `Bundle`: its modules without their tests, and its data, checked."""

from __future__ import annotations

import orjson

from sidecar.bundles.archive import DATA, MANIFEST, read
from sidecar.bundles.invalid import BundleInvalid
from sidecar.bundles.manifest import Manifest
from sidecar.policy.bundle import Bundle, content_revision
from sidecar.policy.data_document import check_data
from sidecar.policy.problems import PolicyProblems


def read_archive(content: bytes) -> Bundle:
    """The bundle in an archive, less its tests; raises `PolicyProblems` for what is not one.

    Its revision is its manifest's, and where it has none the hash of its content.
    """
    try:
        files = read(content)
        modules = {path: text.decode() for path, text in files.items() if _is_module(path)}
        document = orjson.loads(files.get(DATA, b"{}"))
        manifest = Manifest.of(files.get(MANIFEST, b"{}"))
    except (BundleInvalid, ValueError) as error:
        raise PolicyProblems([f"the bundle cannot be read: {error}"]) from None
    problems = check_data(document) if document != {} else []  # a policy without data has none to check
    if not modules:
        problems.append("the bundle holds no *.rego file")
    if problems:
        raise PolicyProblems(problems)
    data_json = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return Bundle(manifest.revision or content_revision(modules, data_json), modules, data_json, ())


def _is_module(path: str) -> bool:
    return path.endswith(".rego") and not path.endswith("_test.rego")
