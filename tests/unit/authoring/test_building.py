from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.authoring.building import NAME, ROOTS, Built, NotGood, build, examine
from sidecar.authoring.compiling import ByEmbedded
from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES, read, write
from sidecar.bundles.manifest import Manifest
from sidecar.bundles.signing import VerifyingKey
from sidecar.policy.compose import GENERATED_PATH, compose, load_modules
from tests.policies import REGO
from tests.unit.authoring.keys import EC, RSA, public_pem, signing_key
from tests.unit.authoring.policies import GUARD_FILE, small_policy, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST_OF = Manifest("4f2c", ROOTS, 1_795_300_000_000, 1_795_300_000.0)
KEY = signing_key(EC)
TRUSTED = VerifyingKey(public_pem(EC))


def built(root: Path = REGO, manifest: Manifest = MANIFEST_OF) -> Built:
    return build(root, manifest, KEY, ByEmbedded())


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
    assert examine(found.archive, TRUSTED, ByEmbedded()) == found
    assert examine(found.archive, None, ByEmbedded()) == found


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


def changed(change: Callable[[dict[str, bytes]], object], scope: str = NAME) -> bytes:
    """A bundle that was changed and signed anew."""
    files = read(built().archive)
    change(files)
    del files[SIGNATURES]
    return write(files | {SIGNATURES: KEY.sign(files, scope)})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda files: files.update({GENERATED_PATH: b"package sidecar\n"}), "is not what joins the guards"),
        (lambda files: files.pop(GENERATED_PATH), "is not what joins the guards"),
        (lambda files: files.pop("guards/consent/request/consent.rego"), "the shipped guard consent.request is absent"),
        (lambda files: files.update({DATA: b'{"models":{}}'}), "it holds data"),
        (lambda files: files.update({MANIFEST: Manifest("r", ("",), 1).as_bytes()}), "its roots are"),
        (lambda files: files.update({MANIFEST: Manifest("r", ROOTS).as_bytes()}), "has no sequence"),
        (lambda files: files.update({MANIFEST: Manifest("", ROOTS, 1).as_bytes()}), "names no revision"),
        (lambda files: files.update({"policy.wasm": b""}), "it holds policy.wasm beside"),
        (lambda files: files.update({"lib/a_test.rego": b"package lib.a_test\n"}), "it holds lib/a_test.rego beside"),
        (lambda files: files.update({"lib/c.rego": b"package lib.c\n\np := time.now_ns()\n"}), "time.now_ns"),
        (lambda files: files.update({"lib/c.rego": b"\xff"}), "can't decode"),
    ],
)
def test_each_reason_not_to_publish_is_told(change: Callable[[dict[str, bytes]], object], problem: str) -> None:
    with pytest.raises(NotGood) as found:
        examine(changed(change), TRUSTED, ByEmbedded())
    assert [one.message for one in found.value.findings if problem in one.message] != []


def test_who_signed_it_counts_where_a_key_is_given() -> None:
    with pytest.raises(NotGood, match="does not verify"):
        examine(built().archive, VerifyingKey(public_pem(RSA)), ByEmbedded())
    with pytest.raises(NotGood, match="signed for scope 'data'"):
        examine(changed(lambda _: None, "data"), TRUSTED, ByEmbedded())
    files = read(built().archive)
    del files[SIGNATURES]
    with pytest.raises(NotGood, match="it is not signed"):
        examine(write(files), None, ByEmbedded())


@pytest.mark.parametrize("content", [b"", orjson.dumps({})])
def test_what_is_no_bundle_is_told(content: bytes) -> None:
    with pytest.raises(NotGood, match="bundle: "):
        examine(content, None, ByEmbedded())
