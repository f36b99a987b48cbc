"""In front of a TF Serving: rows and columns, versions, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.case import request
from tests.hostile.corpus import tfserving
from tests.hostile.unjudged import DATA

__all__ = ["DATA"]

if TYPE_CHECKING:
    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

SERVER = "tfserving"
FOLLOW_UP = request(line=tfserving.LINE, body=tfserving.BODY)


@pytest.mark.parametrize("case", tfserving.CASES, ids=lambda case: case.name)
def test_the_corpus(rig: Rig, case: Case) -> None:
    rig.run(case)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in tfserving.CASES}) == len(tfserving.CASES)
