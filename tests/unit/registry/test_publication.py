from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.bundles import archive
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compose import GENERATED_PATH
from sidecar.registry.publication import ROOTS, EmbeddedCompiler, Inspector, OpaCompiler
from sidecar.registry.signing_key import load_or_make
from sidecar.registry.values import Invalid
from tests.policies import opa_binary
from tests.published import GUARD, MANIFEST, files, packed
from tests.registry_api import verifying_key

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.registry.publication import Compiler


@pytest.fixture(params=["opa", "embedded"])
def inspector(request: pytest.FixtureRequest) -> Inspector:
    compilers: dict[str, Compiler] = {"opa": OpaCompiler(opa_binary()), "embedded": EmbeddedCompiler()}
    return Inspector(verifying_key(), compilers[request.param])


class Unasked:
    """What is misplaced is laid out nowhere."""

    def problems(self, modules: object) -> list[str]:
        pytest.fail("asked to compile")


def refused(inspector: Inspector, content: bytes) -> list[str]:
    with pytest.raises(Invalid) as found:
        inspector.inspect(content)
    return list(found.value.problems)


def test_a_good_policy_is_what_its_manifest_says(inspector: Inspector) -> None:
    assert inspector.inspect(packed(files(own=GUARD + "pass if input.instances > 0\n"))) == MANIFEST


def test_empty_data_is_none(inspector: Inspector) -> None:
    assert inspector.inspect(packed(files() | {"data.json": b"{}\n"})) == MANIFEST


def test_only_the_holder_of_the_key_publishes(inspector: Inspector, tmp_path: Path) -> None:
    accepted = "the bundle is not accepted: "
    [other] = refused(inspector, packed(files(), key=load_or_make(tmp_path / "other.pem")))
    assert other.startswith(accepted + "its signature does not verify")
    assert refused(inspector, archive.write(files())) == [accepted + "it is not signed"]
    assert refused(inspector, packed(files(), "data")) == [accepted + "it is signed for scope 'data', not 'policy'"]
    changed = archive.read(packed(files())) | {GENERATED_PATH: b"package sidecar\n"}
    assert refused(inspector, archive.write(changed)) == [accepted + f"{GENERATED_PATH}: is not what was signed"]


@pytest.mark.parametrize("content", [b"", b"nothing", packed(files())[:-9]])
def test_what_is_no_archive_is_refused(inspector: Inspector, content: bytes) -> None:
    [problem] = refused(inspector, content)
    assert problem.startswith("the bundle is not accepted: ")


@pytest.mark.parametrize("roots", [("",), ("sidecar", "guards"), ("sidecar", "guards", "lib", "models"), ()])
def test_the_roots_are_a_policys(inspector: Inspector, roots: tuple[str, ...]) -> None:
    content = files() | {".manifest": Manifest("0f3c", roots, 7).as_bytes()}
    [problem] = refused(inspector, packed(content))
    assert problem.startswith(".manifest: roots must be guards, lib, sidecar; they are")


def test_a_manifest_without_revision_or_sequence_is_refused(inspector: Inspector) -> None:
    content = files() | {".manifest": Manifest("", tuple(ROOTS)).as_bytes()}
    assert refused(inspector, packed(content)) == [
        ".manifest: metadata.sequence is missing: engines could not tell an old policy from a new one",
        ".manifest: revision is missing",
    ]


def test_data_cannot_stand_in_for_a_guard(inspector: Inspector) -> None:
    content = files() | {"data.json": b'{"guards": {"consent": {"request": {"pass": true}}}}'}
    assert refused(inspector, packed(content)) == ["data.json: a policy holds no data: that comes from the registry"]


@pytest.mark.parametrize("path", ["policy.wasm", "plan.json", "guards/x/data.txt", "README.md"])
def test_a_policy_holds_modules_alone(inspector: Inspector, path: str) -> None:
    assert refused(inspector, packed(files() | {path: b"{}"})) == [f"{path}: a policy holds modules and nothing else"]


@pytest.mark.parametrize("path", ["../x.rego", "guards/../../x.rego", "a.rego/b.rego", ".x.rego", "a b.rego", "ä.rego"])
def test_a_module_lies_where_modules_lie(path: str) -> None:
    [problem] = refused(Inspector(verifying_key(), Unasked()), packed(files() | {path: b"package lib.x\n"}))
    assert problem == f"{path}: is no path of a module: letters, digits, _ and -, and no dot but in the file's name"


def test_tests_are_not_published(inspector: Inspector) -> None:
    path = "guards/own/request_test.rego"
    assert refused(inspector, packed(files() | {path: b"package lib.x\n"})) == [f"{path}: tests are not published"]


def test_what_joins_the_guards_is_not_written_by_hand(inspector: Inspector) -> None:
    content = files() | {GENERATED_PATH: b'package sidecar\n\ndecision := {"allow": true}\n'}
    remedy = "is not what these guards are joined by: build it with `sidecar policy build`"
    assert refused(inspector, packed(content)) == [f"{GENERATED_PATH} {remedy}"]


def test_a_shipped_guard_is_not_left_out(inspector: Inspector) -> None:
    content = {path: text for path, text in files().items() if not path.startswith("guards/consent/")}
    assert refused(inspector, packed(content)) == ["the shipped guard consent.request is absent"]


@pytest.mark.parametrize(
    "body",
    [
        'pass if http.send({"method": "get", "url": "http://x"}).status_code == 200\n',
        "pass if time.now_ns() > 0\n",
        "pass if rand.intn(input.instances, 2) == 0\n",
        "pass if undefined_function(1)\n",
        "pass if pass\n",
    ],
)
def test_modules_compile_within_what_a_policy_may_call(inspector: Inspector, body: str) -> None:
    problems = refused(inspector, packed(files(own=GUARD + body)))
    assert any("guards/own/request.rego" in problem for problem in problems)


def test_several_problems_are_told_at_once(inspector: Inspector) -> None:
    content = files() | {".manifest": Manifest("r", ("",), None).as_bytes(), GENERATED_PATH: b"\n"}
    assert len(refused(inspector, packed(content))) == 3
