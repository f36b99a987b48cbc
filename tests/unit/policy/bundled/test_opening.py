from __future__ import annotations

from typing import Any

import orjson
import pytest

from sidecar.bundles.archive import write
from sidecar.bundles.manifest import Manifest
from sidecar.bundles.signing import VerifyingKey
from sidecar.http1.target import Target
from sidecar.policy.bundled.config import BundleSpec
from sidecar.policy.bundled.opening import Opened, digest_of, open_bundle, overlaps
from sidecar.policy.problems import PolicyProblems
from tests.bundles import key, modules, signed


def spec(name: str, **changes: Any) -> BundleSpec:
    return BundleSpec(
        name,
        Target.parse("http://127.0.0.1:1"),
        "/",
        VerifyingKey(key("ours")[1]),
        changes.pop("scope", name),
        **changes,
    )


def data(document: object) -> dict[str, bytes]:
    return {"data.json": orjson.dumps(document)}


def problems(name: str, files: dict[str, bytes], manifest: Manifest) -> tuple[str, ...]:
    with pytest.raises(PolicyProblems) as raised:
        open_bundle(spec(name), signed(name, files, manifest))
    return raised.value.problems


MODELS = Manifest("r1", ("models",), 7, 1.5)
RULES = Manifest("r1", ("guards", "lib/a"))


def test_a_good_bundle_is_taken_apart() -> None:
    archive = signed("data", data({"models": {"m": {"risk_tier": "low"}}}), MODELS)
    opened = open_bundle(spec("data"), archive)
    assert (opened.name, opened.digest, opened.manifest, opened.modules) == ("data", digest_of(archive), MODELS, {})
    assert [orjson.loads(text) for text in opened.data] == [{"models": {"m": {"risk_tier": "low"}}}]


def test_the_modules_of_a_policy_are_read() -> None:
    opened = open_bundle(
        spec("policy"), signed("policy", dict(modules()), Manifest("r1", ("sidecar", "guards", "lib")))
    )
    assert {path: text.encode() for path, text in opened.modules.items()} == modules()
    assert opened.data == ()


def test_who_did_not_sign_it_for_this_name_is_not_believed() -> None:
    files = data({"models": {}})
    with pytest.raises(PolicyProblems, match="it is not signed"):
        open_bundle(spec("data"), write({**files, ".manifest": MODELS.as_bytes()}))
    with pytest.raises(PolicyProblems, match="its signature does not verify"):
        open_bundle(spec("data"), signed("data", files, MODELS, by="theirs"))
    with pytest.raises(PolicyProblems, match="it is signed for scope 'other', not 'data'"):
        open_bundle(spec("data"), signed("data", files, MODELS, scope="other"))
    assert open_bundle(spec("data", scope="other"), signed("data", files, MODELS, scope="other")).name == "data"


def test_what_unpacks_to_more_than_it_may_is_not_unpacked() -> None:
    bomb = signed("data", data({"models": {"m": " " * 1_000_000}}), MODELS)
    assert len(bomb) < 100_000
    with pytest.raises(PolicyProblems, match="holds more than 100000 bytes"):
        open_bundle(spec("data", size_limit_bytes=100_000), bomb)


def test_no_archive_is_none() -> None:
    with pytest.raises(PolicyProblems):
        open_bundle(spec("data"), b"no archive")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"models": {}, "guards": {"consent": 1}}, "data.json: guards: not accepted as data; only "),
        ({"system": {"bundles": {}}}, "data.json: system: not accepted as data; only "),
        ({"models": {}, "datasets": {}}, "data.json: datasets is not below the bundle's roots"),
        (["models"], "data.json: must be an object"),
    ],
)
def test_data_has_its_place(document: object, told: str) -> None:
    (problem,) = problems("data", data(document), MODELS)
    assert problem.startswith(told)


def test_a_root_may_lie_deeper() -> None:
    manifest = Manifest("r1", ("revocations/tokens", "models"))
    document = {"revocations": {"tokens": {"t": 1}, "subjects": {"s": 1}}}
    assert problems("data", data(document), manifest) == (
        "data.json: revocations/subjects is not below the bundle's roots",
    )
    del document["revocations"]["subjects"]
    assert open_bundle(spec("data"), signed("data", data(document), manifest)).data


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("package models.m\n", "package models.m is not a policy's to define"),
        ("package system\n", "package system is not a policy's to define"),
        ("package lib.b\n", "package lib.b is not below the bundle's roots"),
        ("package guardsman\n", "package guardsman is not below the bundle's roots"),
        ('package guards["a b"]\n', "must begin with a plain `package a.b.c`"),
        ("# nothing\n", "must begin with a plain `package a.b.c`"),
        ("package lib.a\n\nx := " + "[" * 13 + "]" * 13 + "\n", "brackets are nested more than 12 deep"),
    ],
)
def test_modules_have_their_place(module: str, told: str) -> None:
    assert problems("policy", {"x.rego": module.encode()}, RULES) == (f"x.rego: {told}",)


@pytest.mark.parametrize("revision", ["", "a b", "ü", "x" * 257])
def test_a_revision_goes_into_a_header(revision: str) -> None:
    (problem,) = problems("data", data({}), Manifest(revision, ("models",)))
    assert problem == ".manifest: it has no revision of 1 to 256 visible characters"


def test_roots_are_plain_paths() -> None:
    assert problems("data", data({}), Manifest("r1", ("/models",))) == (
        ".manifest: root '/models' begins or ends with a slash",
    )


def test_no_two_bundles_own_the_same() -> None:
    def opened(name: str, *roots: str) -> Opened:
        return Opened(name, "", Manifest("r1", roots), {}, ())

    apart = [opened("a", "models", "revocations/tokens"), opened("b", "modelsx", "revocations/subjects")]
    assert list(overlaps(apart)) == []
    assert list(overlaps([*apart, opened("c", "revocations"), opened("d", "datasets")])) == [
        "bundles a and c have roots that overlap: revocations/tokens",
        "bundles b and c have roots that overlap: revocations/subjects",
    ]
    assert list(overlaps([opened("a", ""), opened("b", "models")])) == ["bundles a and b have roots that overlap: "]
