"""The corpus below the policy: bytes, lines, fields, targets, upgrades, pipelines."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.hostile.case import head, request
from tests.hostile.client import Client
from tests.hostile.corpus import fields, framing, lines, pipelines, targets, upgrades

if TYPE_CHECKING:
    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

CLASSES = (framing, lines, fields, targets, upgrades, pipelines)
CASES = list(itertools.chain.from_iterable(each.CASES for each in CLASSES))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_corpus(rig: Rig, case: Case) -> None:
    rig.run(case)


@pytest.mark.parametrize("half", [b"POST /v2/mod", request()[:-5], head(b"Content-Length: 9")])
def test_half_a_request_behind_a_good_one(rig: Rig, half: bytes) -> None:
    """The good one is answered, the half one is refused, and nothing of it is forwarded."""
    before = len(rig.upstream.arrivals)
    with Client(rig.address) as client:
        client.send(rig.filled(request()))
        assert rig.note(client.answer()).status == 200
        client.send(rig.filled(half))
        client.end()
        assert rig.note(client.answer()).status == 400
        assert client.rest() == b""
    assert len(rig.upstream.arrivals) == before + 1


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
