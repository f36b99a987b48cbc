from __future__ import annotations

from pathlib import Path

from sidecar.registry.shelf.opa_config import Registry, configuration
from tests.keys import public_pem, verifying_key


def test_every_bundle_is_signed_for_its_name_kept_and_polled_long() -> None:
    registry = Registry("https://registry.example", Path("/run/token"), Path("/etc/ca.pem"))
    key = {"algorithm": "ES256", "key": public_pem().decode()}

    def bundle(name: str, keyid: str) -> dict[str, object]:
        return {
            "service": "registry",
            "resource": f"v1/bundles/{name}.tar.gz",
            "persist": True,
            "signing": {"keyid": keyid, "scope": name},
            "polling": {"min_delay_seconds": 1, "max_delay_seconds": 1, "long_polling_timeout_seconds": 30},
        }

    assert configuration(registry, verifying_key(), verifying_key()) == {
        "services": {
            "registry": {
                "url": "https://registry.example",
                "credentials": {"bearer": {"token_path": "/run/token"}},
                "tls": {"ca_cert": "/etc/ca.pem"},
            }
        },
        "keys": {"registry": key, "policy": key},
        "bundles": {
            "policy": bundle("policy", "policy"),
            "data": bundle("data", "registry"),
            "revocations": bundle("revocations", "registry"),
            "revocations-earlier": bundle("revocations-earlier", "registry"),
        },
        "status": {"prometheus": True},
    }


def test_without_token_or_authorities_neither_is_named() -> None:
    document = configuration(Registry("http://127.0.0.1:8095"), verifying_key(), verifying_key())
    assert document["services"] == {"registry": {"url": "http://127.0.0.1:8095"}}
