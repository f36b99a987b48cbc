from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar.bundles import archive
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compose import SHIPPED_GUARDS
from sidecar.registry.values import Change, Conflict, Invalid, Kind, Published
from tests.registries import ANN, BEN, NOW_UNIX_S
from tests.unit.registry.store.test_bodies import MODEL

if TYPE_CHECKING:
    from sidecar.registry.store.registry import Registry
    from tests.registries import SetClock

MANIFEST = Manifest("4f2c", ("sidecar", "guards", "lib"), 10, 1.0)


def policy(*guards: str) -> bytes:
    """A bundle with these guards beside the shipped ones."""
    files = {
        f"guards/{name}/request/{name}.rego": f"package guards.{name}.request\n\ndefault pass := false\n".encode()
        for name in (*SHIPPED_GUARDS, *guards)
    }
    return archive.write(files | {".manifest": MANIFEST.as_bytes()})


def test_a_policy_is_kept_as_it_came(registry: Registry) -> None:
    assert registry.policy_archive() is None
    content = policy()
    published = registry.publish(content, MANIFEST, by=ANN)
    digest = hashlib.sha256(content).hexdigest()
    assert published == Published(10, "4f2c", digest, "ann", NOW_UNIX_S)
    assert registry.policy_archive() == (published, content)
    told = {"sequence": 10, "revision": "4f2c", "digest": digest}
    assert registry.history() == [
        Change(1, registry.sequence(), NOW_UNIX_S, "ann", "published", "policy", "4f2c", None, told)
    ]


def test_the_newest_comes_first(registry: Registry, clock: SetClock) -> None:
    contents = [policy(), policy("income")]
    made = [registry.publish(contents[0], MANIFEST, by=ANN)]
    clock.now_s += 1
    made.append(registry.publish(contents[1], replace(MANIFEST, revision="5a", sequence=11), by=BEN))
    assert registry.policies() == [made[1], made[0]]
    assert registry.policies(1) == [made[1]]
    assert registry.policy_archive() == (made[1], contents[1])
    assert registry.sequences()["policy"] == 11


def test_the_very_same_one_may_be_published_again(registry: Registry, clock: SetClock) -> None:
    first = registry.publish(policy(), MANIFEST, by=ANN)
    before = registry.sequence()
    clock.now_s += 1
    assert registry.publish(policy(), MANIFEST, by=BEN) == first
    assert (registry.policies(), registry.sequence(), len(registry.history())) == ([first], before, 1)


@pytest.mark.parametrize("sequence", [9, 10])
def test_its_sequence_must_rise(registry: Registry, sequence: int) -> None:
    registry.publish(policy(), MANIFEST, by=ANN)
    with pytest.raises(Conflict, match="engines would refuse it as rolled back"):
        registry.publish(policy("income"), replace(MANIFEST, sequence=sequence), by=ANN)
    assert len(registry.policies()) == len(registry.history()) == 1


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (replace(MANIFEST, roots=("",)), "roots must be sidecar, guards, lib; they are "),
        (replace(MANIFEST, roots=("sidecar", "guards")), "roots must be"),
        (replace(MANIFEST, roots=("sidecar", "guards", "lib", "models")), "roots must be"),
        (replace(MANIFEST, revision=""), "no revision"),
        (replace(MANIFEST, revision="a\0"), "no revision"),
        (replace(MANIFEST, sequence=None), "no usable metadata.sequence"),
        (replace(MANIFEST, sequence=2**70), "no usable metadata.sequence"),
    ],
)
def test_a_manifest_that_engines_could_not_use_is_refused(registry: Registry, manifest: Manifest, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        registry.publish(policy(), manifest, by=ANN)
    assert registry.policies() == []


@pytest.mark.parametrize("content", [b"", b"policy", policy()[:-9], archive.write({"guards/a.rego": b"\xff"})])
def test_bytes_that_are_no_bundle_are_refused(registry: Registry, content: bytes) -> None:
    with pytest.raises(Invalid, match="the archive is no bundle of Rego"):
        registry.publish(content, MANIFEST, by=ANN)


def test_a_model_may_name_the_guards_of_the_newest_policy_only(registry: Registry) -> None:
    registry.put(Kind.MODEL, "m", MODEL, by=ANN, if_match=None)
    registry.publish(policy("income"), MANIFEST, by=ANN)
    with pytest.raises(Invalid, match=r"models\.m\.rules\.incom: no guard has this name"):
        registry.set_rule("m", "incom", "shadow", by=ANN, if_match=None)
    registry.set_rule("m", "income", "shadow", by=ANN, if_match=None)


def test_a_policy_must_have_the_guards_that_models_name(registry: Registry) -> None:
    registry.put(Kind.MODEL, "m", MODEL | {"rules": MODEL["rules"] | {"income": "enforce"}}, by=ANN, if_match=None)
    with pytest.raises(Conflict, match=r"models\.m\.rules\.income: no guard has this name"):
        registry.publish(policy(), MANIFEST, by=ANN)
    registry.publish(policy("income"), MANIFEST, by=ANN)
