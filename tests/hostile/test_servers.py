"""In front of KServe, an OpenAI-style server, TF Serving, TorchServe: what each alone takes, and what spoils it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.hostile.corpus import kserve, openai, tfserving, torchserve
from tests.hostile.rig import rig
from tests.hostile.unjudged import DATA

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

SERVERS = {"kserve": kserve, "openai": openai, "tfserving": tfserving, "torchserve": torchserve}
CASES = [
    pytest.param(server, case, id=f"{server}-{case.name}")
    for server, corpus in SERVERS.items()
    for case in corpus.CASES
]


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, Rig]]:
    with ExitStack() as stack:
        yield {
            server: stack.enter_context(
                rig(tmp_path_factory.mktemp(server), server=server, data=DATA, follow_up=corpus.GOOD.request())
            )
            for server, corpus in SERVERS.items()
        }


@pytest.mark.parametrize(("server", "case"), CASES)
def test_the_corpus(rigs: dict[str, Rig], server: str, case: Case) -> None:
    rigs[server].run(case)


@pytest.mark.parametrize("server", SERVERS)
def test_every_case_has_a_name_of_its_own(server: str) -> None:
    cases = SERVERS[server].CASES
    assert len({case.name for case in cases}) == len(cases)
