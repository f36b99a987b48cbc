from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from sidecar.cli import main
from sidecar.demo.run import Options, arguments_of
from sidecar.demo.workspace import Workspace
from sidecar.settings import Address, load

if TYPE_CHECKING:
    from pathlib import Path


def test_the_sidecar_gets_flags_that_it_knows(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    place.data.touch()
    (tmp_path / "jwks.json").touch()
    options = Options("embedded", tmp_path, None, 1, as_json=False)
    verb, *flags = arguments_of(options, place, "127.0.0.1:8080")
    pairs = (flag.removeprefix("--").split("=", 1) for flag in flags)
    settings = load({name.replace("-", "_"): value for name, value in pairs})
    assert (verb, settings.upstream, settings.engine) == ("run", "http://127.0.0.1:8080", "embedded")
    assert (settings.listen, settings.admin) == (Address("127.0.0.1", 0), Address("127.0.0.1", 0))
    assert (settings.data, settings.audit_dir) == (place.data, place.audit_dir)
    assert settings.consent_algorithms == ("ES256",)


def test_a_folder_of_somebody_else_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    result = CliRunner().invoke(main, ["demo", "--dir", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds something that no demo made" in result.stderr


def test_too_few_requests_are_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["demo", "--requests", "19"]).exit_code == 2
