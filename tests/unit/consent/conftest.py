from __future__ import annotations

import pytest

from tests.unit.consent.issuer import Issuer


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """One issuer a session: an RSA key takes its time."""
    return Issuer()
