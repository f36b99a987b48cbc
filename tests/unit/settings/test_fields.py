from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.settings import Address, Settings, SettingsInvalid, load

NEEDED = {"upstream": "http://127.0.0.1:8080", "server": "mlserver", "consent": "off"}


def problems(**flags: object) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load(flags)
    return caught.value.problems


def test_the_defaults_are_those_of_the_contract() -> None:
    assert dict(load(NEEDED)) == {
        "upstream": "http://127.0.0.1:8080",
        "server": "mlserver",
        "upstream_timeout_s": 30.0,
        "stream_timeout_s": 600.0,
        "upstream_connections": 64,
        "default_model": None,
        "metadata": "deny",
        "listen": Address("127.0.0.1", 8090),
        "tls_cert": None,
        "tls_key": None,
        "tls_client_ca": None,
        "admin": Address("127.0.0.1", 8091),
        "control": None,
        "keep_alive_time": None,
        "self_check": "off",
        "self_check_host": None,
        "self_check_ports": (),
        "probes": {},
        "engine": "auto",
        "bundles": None,
        "cross_check_share": 0.0,
        "opa": None,
        "policy": None,
        "data": None,
        "policy_timeout_ms": 250,
        "policy_max_age": 3_600.0,
        "mode": "enforce",
        "consent": "off",
        "consent_keys": None,
        "consent_issuer": None,
        "consent_audience": None,
        "consent_leeway_s": 30.0,
        "consent_algorithms": ("RS256", "ES256", "EdDSA"),
        "window_store": "memory",
        "window_spans": (900.0, 86_400.0),
        "window_epoch": 86_400.0,
        "window_alpha": 0.01,
        "audit_dir": Path("audit"),
        "audit_key": None,
        "audit_delivery": "required",
        "audit_segment": 64 << 20,
        "audit_rotate": 3_600.0,
        "audit_keep": 30 * 86_400.0,
        "audit_keep_bytes": 8 << 30,
        "audit_archive": None,
        "subject_key": None,
        "otlp": None,
        "input_headers": (),
        "body_limit": 8_388_608,
        "body_budget": 268_435_456,
        "max_connections": 1_024,
        "max_in_flight": 512,
        "max_instances": 256,
        "workers": 1,
    }


STORES = "--window-store: is none of memory, redis://HOST:PORT/DB, rediss://HOST:PORT/DB, unix://PATH"
SPANS = "--window-spans: one to 4 spans of whole minutes, up to 7d, such as 15m,24h"


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (
            {"opa": "http://10.0.0.1:8181"},
            "--opa over plain http is for loopback only; use https:// or unix://",
        ),
        (
            {"opa": "unix:///run/opa.sock", "engine": "embedded"},
            "--opa and --engine embedded exclude each other, but for --cross-check-share",
        ),
        ({"bundles": __file__}, "--bundles: is for --engine embedded; OPA gets bundles by itself, with this very file"),
        ({"bundles": "absent.yaml", "engine": "embedded"}, "--bundles: absent.yaml does not exist"),
        (
            {"bundles": __file__, "engine": "embedded", "policy": "rego"},
            "--policy: policy and data come with --bundles",
        ),
        (
            {"cross_check_share": "0.1", "engine": "embedded", "opa": "unix:///run/opa.sock"},
            "--cross-check-share: needs --bundles: only of bundles two engines have the same revision",
        ),
        (
            {"cross_check_share": "0.1", "engine": "embedded", "bundles": __file__},
            "--opa: is required with --cross-check-share: the OPA that is asked, too",
        ),
        (
            {"opa": "unix:///run/opa.sock", "data": "x.json"},
            "--data: a running OPA (--opa) has policy and data of its own; give them to it instead",
        ),
        (
            {"tls_client_ca": "ca.pem"},
            "--tls-client-ca: without --tls-cert there is no TLS to ask clients for certificates in",
        ),
        (
            {"upstream": "http://u:p@h:1"},
            "--upstream: 'http://u:p@h:1' is none of http://HOST:PORT, https://HOST:PORT, unix://PATH",
        ),
        (
            {"self_check": "strict", "self_check_ports": "8080"},
            "--self-check-host: is required with --self-check: in a pod, its own address (status.podIP)",
        ),
        (
            {"self_check": "warn", "self_check_host": "10.0.0.5"},
            "--self-check-ports: is required with --self-check: the ports that the model server may listen on",
        ),
        ({"self_check_host": "localhost"}, "--self-check-host: 'localhost' is no IP address"),
        ({"self_check_host": "::1"}, "--self-check-host: ::1 is not by which others reach this machine"),
        ({"self_check_host": "0.0.0.0"}, "--self-check-host: 0.0.0.0 is not by which others reach this machine"),
        ({"self_check_ports": ",".join(map(str, range(1, 18)))}, "--self-check-ports: 16 ports at most"),
        ({"self_check_ports": "0"}, "--self-check-ports.0: Input should be greater than or equal to 1"),
        ({"policy_max_age": "0"}, "--policy-max-age: Input should be greater than 0"),
        ({"otlp": "nope"}, "--otlp: 'nope' is not an http:// or https:// URL"),
        ({"consent_keys": "/nowhere.jwks"}, "--consent-keys: /nowhere.jwks does not exist"),
        ({"data": "/nowhere.json"}, "--data: /nowhere.json does not exist"),
        ({"tls_key": "x.pem"}, "--tls-cert and --tls-key come together"),
        (
            {"server": "ray"},
            "--server: 'ray' is none of triton, torchserve, kserve, mlserver, tfserving, openai",
        ),
        (
            {"upstream": "ftp://x"},
            "--upstream: 'ftp://x' is none of http://HOST:PORT, https://HOST:PORT, unix://PATH",
        ),
        ({"window_store": "memcached://x"}, STORES),
        ({"window_store": "redis://"}, STORES),
        ({"window_store": "unix://"}, STORES),
        ({"window_store": "redis://10.0.0.1:6379"}, "--window-store: redis:// is for loopback only; use rediss://"),
        ({"window_spans": "90s"}, SPANS),
        ({"window_spans": "8d"}, SPANS),
        ({"window_spans": ""}, SPANS),
        ({"window_spans": "1m,2m,3m,4m,5m"}, SPANS),
    ],
)
def test_what_does_not_fit_is_told_with_its_remedy(flags: dict[str, str], problem: str) -> None:
    assert problems(**{**NEEDED, **flags}) == [problem]


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    "store", ["redis://127.0.0.1:6379/0", "rediss://u:p@redis.example:6380/1", "unix:///run/redis.sock"]
)
def test_stores_that_replicas_share(store: str) -> None:
    assert load({**NEEDED, "window_store": store}).window_store == store


def test_ports_are_sorted_and_each_there_once() -> None:
    assert load({**NEEDED, "self_check_ports": "9000,8080,9000"}).self_check_ports == (8080, 9000)


def test_spans_are_sorted_and_each_there_once() -> None:
    assert load({**NEEDED, "window_spans": "1d,15m,24h"}).window_spans == (900.0, 86_400.0)
