from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.injector.own_settings import DECIDED, problems_of
from sidecar.settings import Settings

if TYPE_CHECKING:
    import pytest


def test_a_setting_may_name_a_file_that_is_only_in_the_pod() -> None:
    files = {"consent_keys": "/not/here/jwks.json", "audit_key": "/not/here/audit.pem"}
    assert problems_of({**files, "consent_issuer": "https://idp.example", "consent_audience": "credit"}) == []


def test_variables_of_this_machine_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_MODE", "neither")
    assert problems_of({"consent": "off"}) == []


def test_what_names_where_the_sidecar_listens_and_who_decides_is_not_the_operators() -> None:
    assert {"listen", "upstream", "opa", "engine", "admin", "subject_key"} <= DECIDED
    assert {"consent_keys", "mode", "body_limit", "tls_cert"} <= Settings.model_fields.keys() - DECIDED
