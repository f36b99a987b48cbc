from __future__ import annotations

import pytest

from sidecar.audit.redact import network_of, serialise
from sidecar.model.refusal import Refused


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:10.1.2.3", "10.1.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", None),
        ("/run/socket", None),
        ("10.1.2", None),
        (None, None),
    ],
)
def test_an_address_is_cut_to_its_network(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


def test_what_is_not_json_cannot_be_recorded() -> None:
    for value in (object(), "\ud800", {1: 2}, 1 << 64):
        with pytest.raises(Refused, match="audit_unavailable"):
            serialise(value)
