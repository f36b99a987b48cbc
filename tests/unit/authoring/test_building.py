from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.authoring.building import Built, NotGood, build, examined
from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES, read, write
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compiling import EmbeddedCompiler
from sidecar.policy.compose import GENERATED_PATH, compose, load_modules
from sidecar.policy.examine import NAME, ROOTS, Examiner
from tests.keys import EC, signing_key, verifying_key
from tests.policies import REGO
from tests.unit.authoring.policies import GUARD_FILE, small_policy, written

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_OF = Manifest("4f2c", ROOTS, 1_795_300_000_000, 1_795_300_000.0)
KEY = signing_key(EC)
TRUSTED = verifying_key()


def built(root: Path = REGO, manifest: Manifest = MANIFEST_OF) -> Built:
    return build(root, manifest, KEY, EmbeddedCompiler())


def test_a_bundle_holds_what_decides_under_its_commit_and_is_signed(tmp_path: Path) -> None:
    root = written(small_policy(tmp_path / "policy"), **{GENERATED_PATH: "package sidecar\n", "data.json": '{"a": 1}'})
    found = built(root)
    files = read(found.archive)
    composition = compose(load_modules(root))
    assert {path: text.decode() for path, text in files.items() if path.endswith(".rego")} == composition.policies
    assert set(files) - set(composition.policies) == {DATA, MANIFEST, SIGNATURES}
    assert (files[DATA], Manifest.of(files[MANIFEST]), found.manifest) == (b"{}", MANIFEST_OF, MANIFEST_OF)
    assert (GUARD_FILE in files, "weekdays" in found.guards) == (True, True)
    TRUSTED.verify(files, NAME)


def test_what_is_built_is_good_to_publish() -> None:
    found = built()
    assert examined(found.archive, Examiner(EmbeddedCompiler(), TRUSTED)) == found


def test_what_no_engine_may_have_is_not_built(tmp_path: Path) -> None:
    root = small_policy(tmp_path / "policy")
    (root / "guards/staleness/request/staleness.rego").unlink()
    written(root, **{"x.rego": "package x\n", "lib/clock/clock.rego": "package lib.clock\n\np := time.now_ns()\n"})
    with pytest.raises(NotGood) as found:
        built(root)
    assert [(one.check, one.file) for one in found.value.findings] == [
        ("composition", "x.rego"),
        ("composition", ""),
        ("compile", "lib/clock/clock.rego"),
    ]


def test_each_reason_not_to_publish_has_its_place() -> None:
    files = read(built().archive)
    files["lib/c.rego"] = b"package lib.c\n\np := time.now_ns()\n"
    del files[SIGNATURES]
    with pytest.raises(NotGood) as found:
        examined(write(files | {SIGNATURES: KEY.sign(files, NAME)}), Examiner(EmbeddedCompiler(), TRUSTED))
    [(check, file, row)] = [(one.check, one.file, one.row) for one in found.value.findings]
    assert (check, file, row) == ("bundle", "lib/c.rego", 3)
