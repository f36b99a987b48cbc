from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sidecar.injector.config import FILE_LIMIT_BYTES, ConfigInvalid, InjectorConfig

if TYPE_CHECKING:
    from pathlib import Path

UNCONSENTED = 'sidecar_image: registry.example/sidecar:1\nopa_config: "services: {}"\n'
LEAST = f"{UNCONSENTED}settings: {{consent: 'off'}}\n"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as invalid:
        InjectorConfig.parse(text, "injector.yaml")
    return invalid.value.problems


def test_defaults() -> None:
    assert InjectorConfig.parse(LEAST).model_dump() == {
        "sidecar_image": "registry.example/sidecar:1",
        "opa_image": "openpolicyagent/opa:1.22.2-static",
        "image_pull_policy": "IfNotPresent",
        "engine": "opa",
        "admin_port": 8091,
        "run_as_user": 65_532,
        "secret": "model-policy-sidecar",
        "settings": {"consent": "off"},
        "opa_config": "services: {}",
        "resources": {
            "sidecar": {"requests": {"cpu": "250m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
            "opa": {"requests": {"cpu": "250m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        },
        "audit_volume": {"size": "4Gi", "storage_class": None},
        "drain_s": 10,
        "keep_alive_time_s": 5,
        "upstream_timeout_s": 30,
        "upstream_timeout_limit_s": 300,
        "allow_shadow": False,
        "allow_metadata": False,
    }


def test_is_loaded_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "injector.yaml"
    file.write_text(UNCONSENTED + "settings: {consent: 'off', mode: shadow, metadata: allow}\n")
    loaded = InjectorConfig.load(file)
    assert (loaded.mode, loaded.metadata) == ("shadow", "allow")


def test_all_problems_are_told_at_once() -> None:
    assert problems(
        "engine: opa\nadmin_port: 80\ndrain: 3\nupstream_timeout_s: 60\nupstream_timeout_limit_s: 30\n"
        "settings: {consent: 'off'}\n"
    ) == [
        "injector.yaml: sidecar_image: is required",
        "injector.yaml: admin_port: Input should be greater than or equal to 1024",
        "injector.yaml: opa_config: is required with engine opa: `sidecar registry opa-config` prints one",
        "injector.yaml: upstream_timeout_limit_s: is less than upstream_timeout_s",
        "injector.yaml: drain: is no part of it",
    ]


def test_settings_are_checked_by_their_own_types() -> None:
    settings = "{consent: 'off', listen: x, mode: off, nothing: 1, audit_keep: soon}"
    assert problems(f"{UNCONSENTED}settings: {settings}\n") == [
        "injector.yaml: settings: listen is the injector's to decide; nothing is no setting of `sidecar run`; "
        "mode: Input should be 'enforce' or 'shadow'; "
        "audit_keep: 'soon' is not a duration such as 90s, 15m, 1h or none"
    ]


def test_settings_with_which_no_sidecar_starts_are_told() -> None:
    assert problems(UNCONSENTED + "settings: {consent: 'off', audit_segment: 33554432}\n") == [
        "injector.yaml: settings: max_in_flight: 512 requests at work need --audit-segment 34603008 at least; "
        "or fewer of them"
    ]
    [told] = problems(UNCONSENTED)
    assert re.findall(r"--consent-\w+ is required", told) == [
        f"--consent-{name} is required" for name in ("keys", "issuer", "audience")
    ]


def test_the_embedded_engine_has_opas_file_or_none() -> None:
    alone = "sidecar_image: a\nengine: embedded\nsettings: {consent: 'off'}\n"
    found = [InjectorConfig.parse(alone + more) for more in ("", "opa_config: ''\n", "opa_config: 'bundles: {}'\n")]
    assert [each.opa_config for each in found] == [None, None, "bundles: {}"]
    assert [each.runs_opa for each in found] == [False] * 3


def test_opa_is_beside_the_embedded_engine_where_decisions_are_held_against_it() -> None:
    given = "sidecar_image: a\nsettings: {consent: 'off', cross_check_share: 0.01}\n"
    assert InjectorConfig.parse(given + "engine: embedded\nopa_config: 'bundles: {}'\n").runs_opa
    assert problems(given + "engine: embedded\n") == [
        "injector.yaml: opa_config: is required with cross_check_share in settings: "
        "`sidecar registry opa-config` prints one"
    ]
    assert problems(given + "opa_config: 'bundles: {}'\n") == [
        "injector.yaml: opa_config: cross_check_share in settings is for engine embedded: "
        "OPA is what it is held against"
    ]
    assert problems(given.replace("0.01", "1.5") + "opa_config: 'bundles: {}'\n") == [
        "injector.yaml: settings: cross_check_share: Input should be less than or equal to 1"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no configuration: write one `name: value` a line"),
        ("- a", "holds no configuration: write one `name: value` a line"),
        ("a: [", "is not YAML: "),
    ],
)
def test_what_is_no_configuration(text: str, problem: str) -> None:
    [told] = problems(text)
    assert told.startswith(f"injector.yaml {problem}")


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    file = tmp_path / "injector.yaml"
    file.write_text(LEAST + "#" * FILE_LIMIT_BYTES)
    with pytest.raises(ConfigInvalid, match="is over 1048576 bytes, more than a ConfigMap holds"):
        InjectorConfig.load(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="No such file"):
        InjectorConfig.load(tmp_path / "injector.yaml")
