"""Each server is told to listen where its doors are, in words that its real program takes (see the files' sources)."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector.servers.catalogue import SERVERS
from sidecar.injector.servers.command import Command
from sidecar.injector.servers.server import Binding, ConfigFile, Doors

DOORS = Doors(public=8080, upstream=18080, spare=8081)


def bound(kind: str, *args: str, **container: Any) -> Binding:
    return SERVERS[kind].bind(Command({"name": "c", "args": list(args), **container}), DOORS)


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        (
            "triton",
            ("--http-address=127.0.0.1", "--http-port=18080", "--allow-grpc=false", "--metrics-address=0.0.0.0"),
        ),
        ("kserve", ("--http_port=18080", "--enable_grpc=false")),
        ("tfserving", ("--rest_api_port=18080", "--port=0")),
        ("openai", ("--host=127.0.0.1", "--port=18080")),
        ("mlserver", ()),
        ("torchserve", ()),
    ],
)
def test_flags(kind: str, args: tuple[str, ...]) -> None:
    binding = bound(kind)
    assert (binding.args, binding.problems) == (args, ())
    assert binding.explained


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({"args": ["--allow-sage", "true"]}, "--allow-sagemaker=false"),
        ({"args": ["--allow-vertex-ai=true"]}, "--allow-vertex-ai=false"),
        ({"env": [{"name": "AIP_MODE", "value": "PREDICTION"}]}, "--allow-vertex-ai=false"),
    ],
)
def test_tritons_other_front_ends_are_off_where_something_turns_them_on(given: dict[str, Any], added: str) -> None:
    assert added in SERVERS["triton"].bind(Command({"name": "c", **given}), DOORS).args  # type: ignore[typeddict-item]


def test_tritons_metrics_stay_where_they_were_put() -> None:
    assert "--metrics-address=0.0.0.0" not in bound("triton", "--metrics-address=127.0.0.1").args


def test_mlserver_has_one_address_for_all() -> None:
    assert bound("mlserver").variables == (("MLSERVER_HOST", "127.0.0.1"), ("MLSERVER_HTTP_PORT", "18080"))


LINES = (
    "inference_address=http://127.0.0.1:18080",
    "management_address=http://127.0.0.1:8081",
    "grpc_inference_address=127.0.0.1",
    "grpc_management_address=127.0.0.1",
)


@pytest.mark.parametrize(
    ("container", "path", "required"),
    [
        ({}, "/home/model-server/config.properties", False),
        ({"args": ["torchserve", "--ts-config", "/mnt/a"]}, "/mnt/a", True),
        ({"args": ["--ts-config=/mnt/a"], "env": [{"name": "TS_CONFIG_FILE", "value": "/mnt/b"}]}, "/mnt/b", True),
    ],
)
def test_torchserves_file_is_written_anew(container: dict[str, Any], path: str, required: bool) -> None:
    binding = SERVERS["torchserve"].bind(Command({"name": "c", **container}), DOORS)  # type: ignore[typeddict-item]
    assert binding.config_file == ConfigFile(path, required, LINES)
    assert binding.variables == (
        ("TS_INFERENCE_ADDRESS", "http://127.0.0.1:18080"),
        ("TS_MANAGEMENT_ADDRESS", "http://127.0.0.1:8081"),
        ("TS_GRPC_INFERENCE_ADDRESS", "127.0.0.1"),
        ("TS_GRPC_MANAGEMENT_ADDRESS", "127.0.0.1"),
    )


def test_torchserves_file_has_to_be_known() -> None:
    indirect = {"name": "TS_CONFIG_FILE", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}
    assert bound("torchserve", env=[indirect]).problems == (
        "TS_CONFIG_FILE comes from elsewhere; write the path as its value",
    )


@pytest.mark.parametrize(("kind", "flag"), [("kserve", "--ssl_certfile=a"), ("openai", "--ssl-certfile=a")])
def test_a_model_that_speaks_tls_is_refused(kind: str, flag: str) -> None:
    [problem] = bound(kind, flag).problems
    assert problem.startswith("the model speaks TLS, which the sidecar beside it does not take; remove --ssl")
