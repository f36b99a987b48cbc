from __future__ import annotations

import pytest

from sidecar.ship.environment import EnvironmentInvalid, Exporter, read_environment

DEFAULT = Exporter({}, is_gzip=False, timeout_s=10.0, ca_file=None, client_cert_file=None, client_key_file=None)


def test_defaults_and_what_is_empty_counts_as_not_set() -> None:
    assert read_environment({}) == DEFAULT
    assert read_environment({"OTEL_EXPORTER_OTLP_TIMEOUT": "", "OTEL_EXPORTER_OTLP_HEADERS": ""}) == DEFAULT


def test_everything_given() -> None:
    given = {
        "HEADERS": "Authorization=Bearer%20abc, x-tenant = t%2C1 ,",
        "COMPRESSION": "gzip",
        "TIMEOUT": "2500",
        "CERTIFICATE": "/ca.pem",
        "CLIENT_CERTIFICATE": "/client.pem",
        "CLIENT_KEY": "/client.key",
    }
    assert read_environment({f"OTEL_EXPORTER_OTLP_{name}": value for name, value in given.items()}) == Exporter(
        {"authorization": "Bearer abc", "x-tenant": "t,1"},
        is_gzip=True,
        timeout_s=2.5,
        ca_file="/ca.pem",
        client_cert_file="/client.pem",
        client_key_file="/client.key",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADERS", "no-value"),
        ("HEADERS", "=x"),
        ("HEADERS", "a=b%0D%0Ainjected"),
        ("HEADERS", "a=%C3%A9"),
        ("COMPRESSION", "zstd"),
        ("TIMEOUT", "10s"),
        ("TIMEOUT", "0"),
        ("TIMEOUT", "-1"),
    ],
)
def test_what_cannot_be_understood_is_named(name: str, value: str) -> None:
    with pytest.raises(EnvironmentInvalid, match=f"OTEL_EXPORTER_OTLP_{name}") as found:
        read_environment({f"OTEL_EXPORTER_OTLP_{name}": value})
    assert name != "HEADERS" or value not in str(found.value)
