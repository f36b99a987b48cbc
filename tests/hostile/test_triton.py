"""In front of a Triton: content codings, binary tensors, shared memory, management."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.corpus import codings, triton

if TYPE_CHECKING:
    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

SERVER = "triton"
CASES = [*codings.CASES, *triton.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_corpus(rig: Rig, case: Case) -> None:
    rig.run(case)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
