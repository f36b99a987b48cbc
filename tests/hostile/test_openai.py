"""In front of an OpenAI-style server: models in bodies, aliases, management."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.case import request
from tests.hostile.corpus import openai
from tests.hostile.unjudged import DATA

__all__ = ["DATA"]

if TYPE_CHECKING:
    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

SERVER = "openai"
FOLLOW_UP = request(line=openai.LINE, body=openai.BODY)


@pytest.mark.parametrize("case", openai.CASES, ids=lambda case: case.name)
def test_the_corpus(rig: Rig, case: Case) -> None:
    rig.run(case)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in openai.CASES}) == len(openai.CASES)
