"""`sidecar registry import`: all of its files, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.process import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.registry import RegistryServer
    from tests.unit.cli.registry.conftest import Call

HEADER = "data_version,created,consent_scopes,parents\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "datasets.csv"
    path.write_text(HEADER + "loans-2,2026-11-20,credit_scoring,loans-1\nloans-1,2026-11-19,credit_scoring,\n")
    return path


def datasets(server: RegistryServer) -> dict[str, Any]:
    return server.ask("GET", "/v1/data").json["datasets"]


def test_a_table_is_written_once(server: RegistryServer, call: Call, table: Path) -> None:
    """A child may stand before its parent: all of it is one change."""
    first, second = call("import", table), call("import", table)
    assert (first.exit_code, first.stdout) == (
        0,
        "2 of kind dataset to write\nwritten: 2 new or changed of kind dataset\n",
    )
    assert second.stdout == "2 of kind dataset to write\nwritten: 0 new or changed of kind dataset\n"
    found = datasets(server)
    assert found["loans-2"] == {
        "created_unix_s": 1_795_132_800.0,
        "consent_scopes": ["credit_scoring"],
        "parents": ["loans-1"],
    }


def test_a_dry_run_sends_nothing(server: RegistryServer, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "dry.csv"
    path.write_text(HEADER + "dry,1,x,\n")
    shown = call("import", path, "--dry-run", "--url", "http://127.0.0.1:9")
    assert (shown.exit_code, shown.stdout) == (0, "1 of kind dataset to write\n")
    assert "dry" not in datasets(server)


def test_one_problem_in_one_file_and_nothing_is_written(
    server: RegistryServer, call: Call, table: Path, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(HEADER + "good,1,x,\n")
    bad.write_text(HEADER + "bad,soon,x,\nworse,1\n")
    shown = call("import", good, bad)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert shown.stderr.splitlines() == [
        f"sidecar: {bad}:2: created: 'soon' is no time: write 2026-11-20, 2026-11-20T13:00:00Z or 1795179600",
        f"sidecar: {bad}:3: has 2 fields, and the first line names 4",
        "sidecar: nothing is written: 2 problems",
    ]
    assert "good" not in datasets(server)


def test_what_only_the_registry_knows_gets_its_line_too(server: RegistryServer, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "orphan.csv"
    path.write_text(HEADER + "fine,1,x,\n\norphan,1,x,nowhere\n")
    shown = call("import", path)
    assert (shown.exit_code, shown.stdout) == (1, "2 of kind dataset to write\n")
    assert shown.stderr.splitlines() == [
        f"sidecar: {path}:4: datasets.orphan.parents: nowhere is not there",
        "sidecar: nothing is written",
    ]
    assert "fine" not in datasets(server)


def test_what_files_do_not_say_is_said_once_for_all(server: RegistryServer, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text("data_version\nbare\n")
    shown = call("import", path, "--created", "2026-11-20", "--consent-scopes", "a b")
    assert shown.exit_code == 0
    assert datasets(server)["bare"] == {"created_unix_s": 1_795_132_800.0, "consent_scopes": ["a", "b"], "parents": []}


def test_an_export_can_be_imported(server: RegistryServer, call: Call, tmp_path: Path, model: str) -> None:
    path = tmp_path / "data.json"
    assert call("export", "-o", path).exit_code == 0
    before = server.ask("GET", "/v1/data").json
    assert model in before["models"]
    assert call("import", path).exit_code == 0
    assert server.ask("GET", "/v1/data").json == before


def test_who_may_not_write_is_told_so(call: Call, table: Path) -> None:
    shown = call("import", table, role="reader")
    assert shown.exit_code == 1
    assert shown.stderr.startswith("sidecar: reader may not ")


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (["--url", "http://registry.example"], "in the clear"),
        (["--created", "soon"], "'soon' is no time"),
        (["--token-file", "nowhere"], "does not exist"),
    ],
)
def test_bad_usage_ends_with_2(call: Call, table: Path, flags: list[str], what: str) -> None:
    shown = call("import", table, *flags)
    assert (shown.exit_code, what in shown.stderr.replace("\n", " ")) == (2, True)


def test_a_registry_that_does_not_answer_ends_with_2(call: Call, table: Path) -> None:
    [port] = free_ports(1)
    shown = call("import", table, "--url", f"http://127.0.0.1:{port}")
    assert shown.exit_code == 2
    assert f"http://127.0.0.1:{port} does not answer" in shown.stderr
