"""`sidecar registry export`: a file that `sidecar run --data` takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sidecar.policy.data_document import check_data

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.registry import RegistryServer
    from tests.unit.cli.registry.conftest import Call


def test_the_document_goes_to_a_file_or_to_standard_output(
    server: RegistryServer, call: Call, tmp_path: Path, model: str
) -> None:
    path = tmp_path / "data.json"
    written, printed = call("export", "-o", path), call("export")
    assert (written.exit_code, written.output, printed.exit_code) == (0, "", 0)
    assert path.read_text() == printed.stdout
    document = json.loads(printed.stdout)
    assert document == server.ask("GET", "/v1/data").json
    assert check_data(document) == []
    assert model in document["models"]


def test_it_can_be_as_of_then(call: Call, model: str) -> None:
    document = json.loads(call("export", "--at", "2026-01-01").stdout)
    assert model not in document.get("models", {})


def test_a_file_that_cannot_be_written_ends_with_2(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shown = call("export", "-o", tmp_path / "file" / "data.json")
    assert (shown.exit_code, str(tmp_path / "file") in shown.stderr) == (2, True)


def test_who_may_not_read_is_told_so(call: Call) -> None:
    shown = call("export", role="engine")
    told = "sidecar: engine may not read records: that takes one of admin, engineer, reader, steward\n"
    assert (shown.exit_code, shown.stdout, shown.stderr) == (1, "", told)
