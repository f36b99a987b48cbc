"""The corpus above framing: governed attributes and JSON bodies. These refusals keep the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.corpus import governed, json_bodies

if TYPE_CHECKING:
    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

CASES = [*governed.CASES, *json_bodies.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_corpus(rig: Rig, case: Case) -> None:
    rig.run(case)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
