from __future__ import annotations

from datetime import timedelta

import pytest

from sidecar.injector.certificates.authority import founded, leaf, succeeded
from sidecar.injector.certificates.secrets import (
    AuthorityUnreadable,
    Leaf,
    authority_data,
    authority_of,
    leaf_data,
    leaf_of,
)
from tests.unit.injector.certificates.clients import NOW

FIRST = founded("policy", NOW)
SECOND = succeeded(FIRST, "policy", NOW + timedelta(days=1))


@pytest.mark.parametrize("authority", [FIRST, SECOND])
def test_an_authority_that_is_written_is_read(authority: object) -> None:
    assert isinstance(authority, type(FIRST))
    data = authority_data(authority)
    found = authority_of(data)
    assert found is not None
    assert (found.issued.certificate, found.previous, found.crosses) == (
        *(authority.issued.certificate, authority.previous, authority.crosses),
    )
    assert authority_data(found) == data


def test_a_leaf_that_is_written_is_read_with_its_chain() -> None:
    now = NOW + timedelta(days=1)
    served = Leaf(leaf(SECOND, ["a"], now), SECOND.chain(now), SECOND.trusted(now))
    data = leaf_data(served)
    found = leaf_of(data)
    assert found is not None
    assert (found.issued.certificate, found.chain, found.trusted) == (
        *(served.issued.certificate, served.chain, served.trusted),
    )
    assert (len(found.chain), len(found.trusted), leaf_data(found)) == (1, 2, data)


def test_an_empty_secret_has_neither() -> None:
    assert (authority_of({}), leaf_of({})) == (None, None)


def test_an_authority_of_which_something_is_missing_is_told() -> None:
    data = authority_data(FIRST)
    for name, problem in (("ca.crt", "ca.crt is not there"), ("ca.key", "ca.key holds no private key")):
        with pytest.raises(AuthorityUnreadable, match=problem):
            authority_of({each: content for each, content in data.items() if each != name})
