from __future__ import annotations

import pytest

from sidecar.bundles import archive
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compiling import Compiler, EmbeddedCompiler, OpaCompiler
from sidecar.policy.compose import GENERATED_PATH
from sidecar.policy.examine import ROOTS, Examined, Examiner
from sidecar.policy.problems import PolicyProblems
from tests.keys import RSA, signing_key, verifying_key
from tests.policies import opa_binary
from tests.published import GUARD, MANIFEST, files, packed

REMEDY = "build it with `sidecar policy build`"


@pytest.fixture(params=["opa", "embedded"])
def examiner(request: pytest.FixtureRequest) -> Examiner:
    compilers: dict[str, Compiler] = {"opa": OpaCompiler(opa_binary()), "embedded": EmbeddedCompiler()}
    return Examiner(compilers[request.param], verifying_key())


class Unasked:
    """What is misplaced is laid out nowhere."""

    def problems(self, modules: object) -> list[str]:
        pytest.fail("asked to compile")


def refused(examiner: Examiner, content: bytes) -> list[str]:
    with pytest.raises(PolicyProblems) as found:
        examiner.examine(content)
    return list(found.value.problems)


def test_a_good_policy_is_what_its_manifest_says(examiner: Examiner) -> None:
    content = files(own=GUARD + "pass if input.instances > 0\n")
    guards = sorted({path.split("/")[1] for path in content if path.startswith("guards/")})
    assert examiner.examine(packed(content)) == Examined(MANIFEST, tuple(guards))


def test_empty_data_is_none(examiner: Examiner) -> None:
    assert examiner.examine(packed(files() | {"data.json": b"{}\n"})).manifest == MANIFEST


def test_only_the_holder_of_the_key_publishes(examiner: Examiner) -> None:
    accepted = "the bundle is not accepted: "
    [other] = refused(examiner, packed(files(), key=signing_key(RSA)))
    assert other.startswith(accepted + "its signature does not verify")
    assert refused(examiner, archive.write(files())) == [accepted + "it is not signed"]
    assert refused(examiner, packed(files(), "data")) == [accepted + "it is signed for scope 'data', not 'policy'"]
    changed = archive.read(packed(files())) | {GENERATED_PATH: b"package sidecar\n"}
    assert refused(examiner, archive.write(changed)) == [accepted + f"{GENERATED_PATH}: is not what was signed"]


def test_without_a_key_it_must_be_signed_by_somebody() -> None:
    anybodys = Examiner(EmbeddedCompiler())
    assert anybodys.examine(packed(files(), key=signing_key(RSA))).manifest == MANIFEST
    assert refused(anybodys, archive.write(files())) == [f".signatures.json: missing: {REMEDY}"]


@pytest.mark.parametrize("content", [b"", b"nothing", packed(files())[:-9]])
def test_what_is_no_archive_is_refused(examiner: Examiner, content: bytes) -> None:
    [problem] = refused(examiner, content)
    assert problem.startswith("the bundle is not accepted: ")


@pytest.mark.parametrize("roots", [("",), ("sidecar", "guards"), ("sidecar", "guards", "lib", "models"), ()])
def test_the_roots_are_a_policys(examiner: Examiner, roots: tuple[str, ...]) -> None:
    content = files() | {".manifest": Manifest("0f3c", roots, 7).as_bytes()}
    [problem] = refused(examiner, packed(content))
    assert problem.startswith(".manifest: roots must be sidecar, guards, lib; they are")


def test_a_manifest_without_revision_or_sequence_is_refused(examiner: Examiner) -> None:
    content = files() | {".manifest": Manifest("", tuple(ROOTS)).as_bytes()}
    assert refused(examiner, packed(content)) == [
        f".manifest: no usable metadata.sequence, without which an old policy cannot be told from a new one: {REMEDY}",
        f".manifest: no revision, which is its name in every decision: {REMEDY}",
    ]


def test_data_cannot_stand_in_for_a_guard(examiner: Examiner) -> None:
    content = files() | {"data.json": b'{"guards": {"consent": {"request": {"pass": true}}}}'}
    assert refused(examiner, packed(content)) == [
        "data.json: a policy holds no data, which come in bundles of their own"
    ]


@pytest.mark.parametrize("path", ["policy.wasm", "plan.json", "guards/x/data.txt", "README.md"])
def test_a_policy_holds_modules_alone(examiner: Examiner, path: str) -> None:
    assert refused(examiner, packed(files() | {path: b"{}"})) == [f"{path}: a policy holds modules and nothing else"]


@pytest.mark.parametrize("path", ["../x.rego", "guards/../../x.rego", "a.rego/b.rego", ".x.rego", "a b.rego", "ä.rego"])
def test_a_module_lies_where_modules_lie(path: str) -> None:
    [problem] = refused(Examiner(Unasked(), verifying_key()), packed(files() | {path: b"package lib.x\n"}))
    assert problem == f"{path}: is no path of a module: letters, digits, _ and -, and no dot but in the file's name"


def test_tests_are_not_published(examiner: Examiner) -> None:
    path = "guards/own/request_test.rego"
    assert refused(examiner, packed(files() | {path: b"package lib.x\n"})) == [f"{path}: tests are not published"]


def test_what_joins_the_guards_is_not_written_by_hand(examiner: Examiner) -> None:
    content = files() | {GENERATED_PATH: b'package sidecar\n\ndecision := {"allow": true}\n'}
    assert refused(examiner, packed(content)) == [f"{GENERATED_PATH}: is not what these guards are joined by: {REMEDY}"]
    del content[GENERATED_PATH]
    assert refused(examiner, packed(content)) == [f"{GENERATED_PATH}: is not what these guards are joined by: {REMEDY}"]


def test_a_shipped_guard_is_not_left_out(examiner: Examiner) -> None:
    content = {path: text for path, text in files().items() if not path.startswith("guards/consent/")}
    assert refused(examiner, packed(content)) == [
        "the shipped guard consent.request is absent, so every call would be refused"
    ]


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
def test_modules_compile_within_what_a_policy_may_call(examiner: Examiner, body: str) -> None:
    problems = refused(examiner, packed(files(own=GUARD + body)))
    assert any("guards/own/request.rego" in problem for problem in problems)


def test_a_module_is_text(examiner: Examiner) -> None:
    [problem] = refused(examiner, packed(files() | {"lib/c.rego": b"\xff"}))
    assert problem.startswith("a module is not UTF-8: ")


def test_several_problems_are_told_at_once(examiner: Examiner) -> None:
    content = files() | {".manifest": Manifest("r", ("",), None).as_bytes(), GENERATED_PATH: b"\n"}
    assert len(refused(examiner, packed(content))) == 3
