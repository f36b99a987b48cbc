"""In front of a KServe: V1's routes and bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.case import request
from tests.hostile.corpus import kserve
from tests.hostile.unjudged import DATA

__all__ = ["DATA"]

if TYPE_CHECKING:
    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

SERVER = "kserve"
FOLLOW_UP = request(line=kserve.LINE, body=kserve.BODY)


@pytest.mark.parametrize("case", kserve.CASES, ids=lambda case: case.name)
def test_the_corpus(rig: Rig, case: Case) -> None:
    rig.run(case)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in kserve.CASES}) == len(kserve.CASES)
