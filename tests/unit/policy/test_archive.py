from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from sidecar.bundles.archive import FILES_LIMIT
from sidecar.policy.archive import read_archive
from sidecar.policy.bundle import build, content_revision
from sidecar.policy.problems import PolicyProblems
from tests.policies import ALLOW, DATA, REGO, module, opa_binary

if TYPE_CHECKING:
    from pathlib import Path

MODULE = module(f"decision := {ALLOW}")


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_a_bundle_comes_out_of_its_archive_as_it_went_in(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(DATA))
    built = build(REGO, path)
    assert read_archive(built.archive()) == built
    assert content_revision(built.modules, built.data_json) == built.revision


def test_what_opa_build_makes(tmp_path: Path) -> None:
    (tmp_path / "sidecar").mkdir()
    (tmp_path / "sidecar" / "composed.rego").write_text(MODULE)
    (tmp_path / "data.json").write_text(json.dumps(DATA))
    target = tmp_path / "bundle.tar.gz"
    command = [opa_binary(), "build", "--bundle", ".", "--revision", "r7", "--output", str(target)]
    subprocess.run(command, cwd=tmp_path, check=True)
    found = read_archive(target.read_bytes())
    assert (found.revision, json.loads(found.data_json)) == ("r7", DATA)
    (text,) = found.modules.values()
    assert "package sidecar" in text


def test_without_a_revision_it_is_named_by_its_content() -> None:
    found = read_archive(packed({"./sidecar/composed.rego": MODULE, "./a_test.rego": "package a_test"}))
    assert found.modules == {"sidecar/composed.rego": MODULE}
    assert found.revision == content_revision(found.modules, b"{}")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no archive", "cannot be read"),
        (gzip.compress(b"no tar", mtime=0), "cannot be read"),
        (packed({"a.rego": MODULE})[:-20], "cannot be read"),
        (packed({"data.json": "{}"}), "no .*rego file"),
        (packed({"a.rego": MODULE, "data.json": "{"}), "cannot be read"),
        (packed({"a.rego": MODULE, "data.json": '{"guards":{}}'}), "not accepted as data"),
        (packed({"a.rego": MODULE, "models/data.json": "{}"}), "one data.json at the root"),
        (packed({"a.rego": MODULE, ".manifest": '{"revision":7}'}), "revision must be a string"),
        (packed({"a.rego": MODULE, ".manifest": "[]"}), "revision must be a string"),
        (packed({f"{number}.rego": "" for number in range(FILES_LIMIT + 1)}), "files"),
    ],
)
def test_what_is_no_bundle_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(PolicyProblems, match=problem):
        read_archive(content)
