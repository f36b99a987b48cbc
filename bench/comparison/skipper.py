"""Skipper with its embedded OPA, which judges the request phase; the token is checked in Rego."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.comparison.peer_policy import opa_caching, write_bundle, write_policy
from bench.comparison.running import Running
from bench.processes import free_port, serving

if TYPE_CHECKING:
    from collections.abc import Generator

    from bench.comparison.running import Place


@contextmanager
def judging(place: Place) -> Generator[Running]:
    """One process."""
    policy, bundle, config = (place.folder / name for name in ("policy", "bundle.tar.gz", "opa.yaml"))
    write_policy(policy, place.tokens, claims="token_in_rego.rego")
    write_bundle(policy, bundle)
    opa = {
        "bundles": {"bench": {"resource": f"file://{bundle}"}},
        "plugins": {"envoy_ext_authz_grpc": {"path": "envoy/authz/allow"}},
        "caching": opa_caching(),
    }
    config.write_text(json.dumps(opa))
    route = f'all: * -> opaAuthorizeRequestWithBody("bench") -> "http://{place.upstream}"'
    command = [place.programs["skipper"], "-address", f"127.0.0.1:{place.port}", "-inline-routes", route]
    command += ["-enable-open-policy-agent", "-open-policy-agent-config-template", str(config)]
    command += ["-open-policy-agent-max-request-body-size", str(2**20), "-access-log-disabled"]
    command += ["-application-log-level", "ERROR", "-support-listener", f"127.0.0.1:{free_port()}"]
    with serving(command, place.port, place.folder / "skipper.log") as process:
        yield Running(place.address, [process.pid])
