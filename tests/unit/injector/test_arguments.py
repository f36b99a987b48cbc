from __future__ import annotations

from typing import Any

import pytest

from sidecar.cli import main
from sidecar.injector import names
from sidecar.injector.arguments import flag, literal, of_opa, of_sidecar
from sidecar.injector.plan import plan_for
from sidecar.injector.shape import shaped
from tests.unit.injector.pods import config, pod, triton


def arguments(*containers: dict[str, Any], annotations: dict[str, str] | None = None, **changed: object) -> list[str]:
    made = config(**changed)
    return of_sidecar(plan_for(shaped(pod(*containers, annotations=annotations or {})), made), made)


def test_all_of_the_sidecars() -> None:
    container = triton(livenessProbe={"httpGet": {"port": 8000, "path": "/$(HOME)"}})
    assert arguments(container) == [
        "run",
        "--upstream=http://127.0.0.1:8000",
        "--server=triton",
        "--listen=[$(POD_IP)]:8000",
        "--admin=0.0.0.0:8091",
        "--engine=opa",
        "--opa=unix:///run/policy/opa.sock",
        "--audit-dir=/var/lib/model-policy-sidecar/audit",
        "--subject-key=/etc/model-policy-sidecar/secrets/subject.key",
        '--probes={"triton/liveness":{"http":{"headers":[],"path":"/$$(HOME)","port":8000,"scheme":"HTTP"},"timeout_s":1}}',
        "--self-check=strict",
        "--self-check-host=$(POD_IP)",
        "--self-check-ports=8000,8001,8080",
        "--keep-alive-time=5",
        "--upstream-timeout-s=30",
        "--audit-keep-bytes=3221225472",
        "--consent-audience=credit",
        "--consent-issuer=https://idp.example",
        "--consent-keys=/etc/model-policy-sidecar/secrets/jwks.json",
        "--metadata=deny",
        "--mode=enforce",
    ]


def test_what_is_asked_and_what_the_operator_sets() -> None:
    asked = {names.DEFAULT_MODEL: "credit", names.UPSTREAM_TIMEOUT_S: "90", names.MODE: "shadow"}
    found = arguments(
        triton(), annotations=asked, allow_shadow=True, settings={"audit_keep_bytes": 1 << 20, "consent": "off"}
    )
    assert found[found.index("--self-check=strict") :] == [
        "--self-check=strict",
        "--self-check-host=$(POD_IP)",
        "--self-check-ports=8000,8001,8080",
        "--keep-alive-time=5",
        "--upstream-timeout-s=90",
        "--default-model=credit",
        "--audit-keep-bytes=1048576",
        "--consent=off",
        "--metadata=deny",
        "--mode=shadow",
    ]


def test_a_server_on_every_address_is_warned_of() -> None:
    assert "--self-check=warn" in arguments({"name": "kserve", "image": "kserve/xgbserver:v0.21.0", "args": ["--a"]})


def test_opas() -> None:
    assert of_opa() == [
        "run",
        "--server",
        "--addr=unix:///run/policy/opa.sock",
        "--diagnostic-addr=0.0.0.0:8282",
        "--config-file=/etc/model-policy-sidecar/config/opa.yaml",
        "--set=persistence_directory=/var/lib/opa",
        "--disable-telemetry",
        "--log-level=error",
    ]


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


def test_the_sidecar_knows_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    known = capsys.readouterr().out
    missing = [
        flag for word in arguments(triton()) if (flag := word.partition("=")[0]).startswith("--") and flag not in known
    ]
    assert missing == []
