from __future__ import annotations

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from sidecar.settings import SettingsInvalid, Sourced, load_as


class Baker(Sourced):
    """The settings of some process of ours."""

    model_config = SettingsConfigDict(env_prefix="BAKER_")
    variables_of_others = "UNION"

    loaves: int = 1
    tls_cert: Path | None = None
    tls_key: Path | None = None


def test_flag_over_variable_over_file_over_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "baker.yaml"
    file.write_text("loaves: 2\n")
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("BAKER_LOAVES=9\n")
    found = [load_as(Baker, {}).loaves, load_as(Baker, {}, file).loaves]
    monkeypatch.setenv("BAKER_LOAVES", "3")
    found += [load_as(Baker, {}, file).loaves, load_as(Baker, {"loaves": "4"}, file).loaves]
    assert found == [1, 2, 3, 4]


def test_variables_of_others_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNION", "UNIONS", "SHOP_SERVICE_HOST"):
        monkeypatch.setenv(f"BAKER_{name}", "1")
    with pytest.raises(SettingsInvalid) as refused:
        load_as(Baker, {})
    assert refused.value.problems == ["BAKER_UNIONS: is no setting"]


def test_a_certificate_and_its_key_come_together() -> None:
    for alone in ({"tls_cert": "c.pem"}, {"tls_key": "k.pem"}):
        with pytest.raises(SettingsInvalid, match="--tls-cert and --tls-key come together"):
            load_as(Baker, alone)
    assert load_as(Baker, {"tls_cert": "c.pem", "tls_key": "k.pem"}).tls_key == Path("k.pem")
