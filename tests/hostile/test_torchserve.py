"""In front of a TorchServe: its routes, aliases and management."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.case import request
from tests.hostile.corpus import torchserve
from tests.hostile.unjudged import DATA

__all__ = ["DATA"]

if TYPE_CHECKING:
    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

SERVER = "torchserve"
FOLLOW_UP = request(line=torchserve.LINE)


@pytest.mark.parametrize("case", torchserve.CASES, ids=lambda case: case.name)
def test_the_corpus(rig: Rig, case: Case) -> None:
    rig.run(case)
