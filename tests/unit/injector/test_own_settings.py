from __future__ import annotations

import pytest

from sidecar.injector.own_settings import DECIDED, flag, literal, problems_of
from sidecar.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "argument"),
    [
        ("audit_keep", "12h", "--audit-keep=12h"),
        ("window_spans", ["15m", "24h"], "--window-spans=15m,24h"),
        ("body_limit", 1024, "--body-limit=1024"),
        ("consent_issuer", "https://$(HOME)", "--consent-issuer=https://$$(HOME)"),
    ],
)
def test_a_setting_is_a_flag(name: str, value: object, argument: str) -> None:
    assert flag(name, value) == argument


def test_the_kubelet_passes_every_text_on() -> None:
    """Kubernetes reads `$$` as `$`, from the left."""
    assert literal("$(A) $$(A) $").replace("$$", "$") == "$(A) $$(A) $"


def test_a_setting_may_name_a_file_that_is_only_in_the_pod() -> None:
    assert problems_of({"consent_keys": "/not/here/jwks.json", "audit_key": "/not/here/audit.pem"}) == []


def test_what_names_where_the_sidecar_listens_and_who_decides_is_not_the_operators() -> None:
    assert {"listen", "upstream", "opa", "engine", "admin", "subject_key"} <= DECIDED
    assert {"consent_keys", "mode", "body_limit", "tls_cert"} <= Settings.model_fields.keys() - DECIDED
