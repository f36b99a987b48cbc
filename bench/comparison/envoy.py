"""Envoy, alone and with opa-envoy-plugin, which judges the request phase."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench import workload
from bench.comparison.peer_policy import CACHED_TOKENS, opa_caching, write_policy
from bench.comparison.running import Running
from bench.processes import START_TIMEOUT_S, BenchError, free_port, running, serving

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator
    from pathlib import Path

    from bench.comparison.running import Place

BODY_LIMIT_BYTES = 2**20
TIMEOUT = "5s"
FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
NETWORK_FILTERS = "type.googleapis.com/envoy.extensions.filters.network"


@contextmanager
def passing(place: Place) -> Generator[Running]:
    """Envoy that forwards."""
    with _envoy(place, []) as envoy:
        yield Running(place.address, [envoy.pid])


@contextmanager
def judging(place: Place, *, token_in: str) -> Generator[Running]:
    """Envoy that asks the plugin. The token is checked in `envoy` (filter jwt_authn) or in `rego`."""
    with _plugin(place, f"token_in_{token_in}.rego") as (plugin, socket):
        filters = [_jwt_authn(place)] if token_in == "envoy" else []
        with _envoy(place, [*filters, _ext_authz(socket)]) as envoy:
            yield Running(place.address, [envoy.pid, plugin.pid])


@contextmanager
def _envoy(place: Place, filters: list[dict[str, Any]]) -> Generator[subprocess.Popen[bytes]]:
    config = place.folder / "envoy.json"
    config.write_text(json.dumps(_config(place, filters)))
    command = [place.programs["envoy"], "--disable-hot-restart", "--log-level", "error", "-c", str(config)]
    with serving(command, place.port, place.folder / "envoy.log") as process:
        yield process


@contextmanager
def _plugin(place: Place, claims: str) -> Generator[tuple[subprocess.Popen[bytes], Path]]:
    policy, socket, config = (place.folder / name for name in ("policy", "authz.sock", "opa.json"))
    write_policy(policy, place.tokens, claims=claims)
    asked = {"addr": f"unix://{socket}", "path": "envoy/authz/allow"}
    config.write_text(json.dumps({"plugins": {"envoy_ext_authz_grpc": asked}, "caching": opa_caching()}))
    command = [place.programs["opa-envoy-plugin"], "run", "--server", "--addr", f"127.0.0.1:{free_port()}"]
    command += ["--log-level", "error", "--skip-version-check", "--config-file", str(config), str(policy)]
    log_file = place.folder / "plugin.log"
    with log_file.open("wb") as log, running(command, out=log, log=log) as process:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"opa-envoy-plugin did not start\n{log_file.read_text()[-3000:]}")
            time.sleep(0.02)
        yield process, socket


def _config(place: Place, filters: list[dict[str, Any]]) -> dict[str, Any]:
    router = {"name": "router", "typed_config": {"@type": f"{FILTERS}.router.v3.Router"}}
    manager = {
        "@type": f"{NETWORK_FILTERS}.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "model"}}]}
            ]
        },
        "http_filters": [*filters, router],
    }
    listener = {
        "address": _address("127.0.0.1", place.port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    host, _, port = place.upstream.rpartition(":")
    clusters = [_cluster("model", _address(host, int(port)))]
    clusters += [_authz_cluster(one) for one in filters if one["name"] == "ext_authz"]
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def _authz_cluster(ext_authz: dict[str, Any]) -> dict[str, Any]:
    cluster = _cluster("authz", {"pipe": {"path": ext_authz.pop("socket")}})
    options: dict[str, Any] = {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"}
    options["explicit_http_config"] = {"http2_protocol_options": {}}
    cluster["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}
    return cluster


def _cluster(name: str, address: dict[str, Any]) -> dict[str, Any]:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": endpoints}}


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _ext_authz(socket: Path) -> dict[str, Any]:
    config = {
        "@type": f"{FILTERS}.ext_authz.v3.ExtAuthz",
        "transport_api_version": "V3",
        "grpc_service": {"envoy_grpc": {"cluster_name": "authz"}, "timeout": TIMEOUT},
        "with_request_body": {"max_request_bytes": BODY_LIMIT_BYTES, "allow_partial_message": False},
        "metadata_context_namespaces": ["envoy.filters.http.jwt_authn"],
    }
    return {"name": "ext_authz", "typed_config": config, "socket": str(socket)}


def _jwt_authn(place: Place) -> dict[str, Any]:
    provider = {
        "issuer": workload.ISSUER,
        "audiences": [workload.AUDIENCE],
        "local_jwks": {"inline_string": json.dumps(place.tokens.key_set)},
        "from_headers": [{"name": "x-consent-token"}],
        "payload_in_metadata": "consent",
        "jwt_cache_config": {"jwt_cache_size": CACHED_TOKENS},
    }
    rule = {"match": {"prefix": "/"}, "requires": {"provider_name": "consent"}}
    config = {"@type": f"{FILTERS}.jwt_authn.v3.JwtAuthentication", "providers": {"consent": provider}, "rules": [rule]}
    return {"name": "envoy.filters.http.jwt_authn", "typed_config": config}
