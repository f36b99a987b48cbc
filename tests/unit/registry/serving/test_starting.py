from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.policy.compiling import OpaCompiler
from sidecar.registry.serving.settings import RegistrySettings
from sidecar.registry.serving.starting import Prepared, StartProblems, prepare
from sidecar.registry.store import database
from sidecar.settings import load_as
from tests.issuer import Issuer
from tests.keys import private_pem, public_pem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.registries import Databases


def given(folder: Path, **flags: Any) -> dict[str, Any]:
    """Flags of a registry that starts, but for what `flags` says."""
    (folder / "tokens.yaml").write_text("[]")
    (folder / "policy.pub.pem").write_bytes(public_pem())
    (folder / "subject-key").write_bytes(bytes(32))
    (folder / "subject-key").chmod(0o600)
    Issuer().write_jwks(folder / "jwks.json")
    good = {
        "listen": "127.0.0.1:0",
        "database": f"sqlite:///{folder}/registry.db",
        "tokens": folder / "tokens.yaml",
        "policy_key": folder / "policy.pub.pem",
        "subject_key": folder / "subject-key",
        "token_keys": str(folder / "jwks.json"),
        "token_issuer": "i",
        "token_audience": "a",
    }
    return {name: value for name, value in {**good, **flags}.items() if value is not None}


async def prepared(flags: dict[str, Any]) -> Prepared:
    async with AsyncExitStack() as stack:
        return await prepare(load_as(RegistrySettings, flags), stack)


async def refused(flags: dict[str, Any]) -> list[str]:
    with pytest.raises(StartProblems) as found:
        await prepared(flags)
    return found.value.problems


async def test_a_fresh_file_is_made_ready_with_a_key_beside_it(tmp_path: Path) -> None:
    parts = await prepared(given(tmp_path))
    assert len(parts.verifiers) == 2
    assert parts.pseudonyms is not None
    assert parts.examiner is not None
    assert isinstance(parts.examiner._compiler, OpaCompiler)
    database.open_engine(f"sqlite:///{tmp_path}/registry.db").dispose()
    assert all((tmp_path / f"registry.db.key{end}").is_file() for end in (".pem", ".pub.pem"))


async def test_what_was_not_asked_for_is_not_there(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("policy_key", "subject_key", "token_keys", "token_issuer", "token_audience"))
    parts = await prepared(given(tmp_path, **nothing))
    assert (len(parts.verifiers), parts.pseudonyms, parts.examiner) == (1, None, None)


async def test_a_database_without_tables_says_which_verb_makes_them(databases: Databases, tmp_path: Path) -> None:
    url = databases.empty()
    if url.startswith("sqlite"):
        (tmp_path / "empty.db").touch()
        url = f"sqlite:///{tmp_path}/empty.db"
    (tmp_path / "key.pem").write_bytes(private_pem())
    found = await refused(given(tmp_path, database=url, signing_key=tmp_path / "key.pem"))
    assert found == ["--database: the database is empty: run `sidecar registry migrate`"]


async def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    for name in ("bad.pem", "bad.json", "bad.key"):
        (tmp_path / name).write_text("nothing")
    (tmp_path / "bad.yaml").write_text("- 1")
    found = await refused(
        given(
            tmp_path,
            database="mysql://x/y",
            signing_key=tmp_path / "bad.pem",
            tokens=tmp_path / "bad.yaml",
            token_keys=str(tmp_path / "bad.json"),
            policy_key=tmp_path / "bad.pem",
            subject_key=tmp_path / "bad.key",
            tls_cert=tmp_path / "bad.pem",
            tls_key=tmp_path / "bad.key",
        )
    )
    assert [problem.split(":")[0] for problem in found] == [
        *("--tokens", "--tokens", "--tokens", "--token-keys", "--subject-key", "--policy-key"),
        *("--tls-cert", "--signing-key", "--database"),
    ]


async def test_a_named_key_is_not_made(tmp_path: Path) -> None:
    [problem] = await refused(given(tmp_path, signing_key=tmp_path / "none.pem"))
    assert problem.endswith("No such file or directory; `openssl ecparam -name prime256v1 -genkey -noout` makes one")


@pytest.mark.parametrize("source", ["none.json", "http://keys.example/jwks"])
async def test_keys_that_cannot_be_read_stop_the_start(tmp_path: Path, source: str) -> None:
    [problem] = await refused(given(tmp_path, token_keys=source))
    assert problem.startswith("--token-keys: ")


async def test_a_subject_key_that_is_not_there_is_never_made(tmp_path: Path) -> None:
    """Under a key that no sidecar has, a revocation by name would refuse nobody."""
    [problem] = await refused(given(tmp_path, subject_key=tmp_path / "subject_key"))
    assert "copy the one that the sidecars have" in problem
    assert not (tmp_path / "subject_key").exists()


async def test_where_something_is_wrong_nothing_is_made(tmp_path: Path) -> None:
    await refused(given(tmp_path, policy_key=tmp_path / "none.pem"))
    assert [name for name in os.listdir(tmp_path) if name.startswith("registry.db")] == []
