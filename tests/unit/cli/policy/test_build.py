from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from sidecar.bundles.archive import MANIFEST, read
from sidecar.bundles.manifest import Manifest
from sidecar.bundles.signing import VerifyingKey
from tests.keys import EC, public_pem
from tests.unit.authoring.policies import GUARD, GUARD_FILE, written
from tests.unit.authoring.test_git import git
from tests.unit.cli.policy.calls import policy

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def build(root: Path, keys: Path, *options: object) -> Result:
    return policy("build", root, "--signing-key", keys / "policy.pem", "--output", keys / "out.tar.gz", *options)


def manifest(keys: Path) -> Manifest:
    files = read((keys / "out.tar.gz").read_bytes())
    VerifyingKey(public_pem(EC)).verify(files, "policy")
    return Manifest.of(files[MANIFEST])


def test_the_bundle_is_the_commits_and_of_now(root: Path, keys: Path) -> None:
    before_s = time.time()
    shown = build(root, keys)
    assert shown.exit_code == 0, shown.output
    found = manifest(keys)
    assert found.revision == git(root, "rev-parse", "HEAD")
    assert found.roots == ("sidecar", "guards", "lib")
    assert found.sequence is not None
    assert found.created_unix_s is not None
    assert before_s * 1_000 - 1 <= found.sequence <= time.time() * 1_000
    assert before_s <= found.created_unix_s <= time.time()
    assert shown.output == f"{keys}/out.tar.gz: revision {found.revision}, sequence {found.sequence}, 9 guards\n"


def test_for_a_machine_with_a_revision_and_a_sequence_of_its_own(root: Path, keys: Path) -> None:
    shown = build(root, keys, "--revision", "r7", "--sequence", 7, "--json")
    told = json.loads(shown.stdout)
    assert (told["bundle"], told["revision"], told["sequence"]) == (str(keys / "out.tar.gz"), "r7", 7)
    assert "weekdays" in told["guards"]
    assert (manifest(keys).revision, manifest(keys).sequence) == ("r7", 7)


def test_what_is_not_committed_is_refused_unless_it_is_allowed(root: Path, keys: Path) -> None:
    written(root, **{GUARD_FILE: GUARD + "\n# changed\n"})
    shown = build(root, keys)
    assert (shown.exit_code, f"policy/{GUARD_FILE}: bundle: differs from the commit" in shown.stderr) == (1, True)
    assert not (keys / "out.tar.gz").exists()
    assert build(root, keys, "--allow-dirty").exit_code == 0
    assert manifest(keys).revision == git(root, "rev-parse", "HEAD") + "-dirty"


def test_a_policy_that_is_not_good_is_not_built(root: Path, keys: Path) -> None:
    written(root, **{"lib/clock/clock.rego": "package lib.clock\n\np := time.now_ns()\n"})
    shown = build(root, keys, "--allow-dirty")
    assert (shown.exit_code, "lib/clock/clock.rego:3: compile: " in shown.stderr) == (1, True)
    assert not (keys / "out.tar.gz").exists()


def test_without_a_commit_the_remedy_is_named(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "policy").mkdir()
    shown = build(tmp_path / "policy", keys)
    assert (shown.exit_code, "commit it, or give --revision" in shown.stderr) == (2, True)


@pytest.mark.parametrize("pem", ["", "no key"])
def test_what_is_no_key_is_bad_usage(pem: str, root: Path, keys: Path) -> None:
    (keys / "policy.pem").write_text(pem)
    shown = build(root, keys)
    assert (shown.exit_code, "no private key in PEM" in shown.stderr) == (2, True)


def test_without_a_key_nothing_is_built(root: Path) -> None:
    assert policy("build", root).exit_code == 2
