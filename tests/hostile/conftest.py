"""One sidecar for each module of cases: `SERVER`, `FLAGS` and `FOLLOW_UP` of the module say which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.rig import Rig, rig

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(scope="module", name="rig")
def module_rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Rig]:
    module = request.module
    with rig(
        tmp_path_factory.mktemp("hostile"),
        *getattr(module, "FLAGS", ()),
        server=getattr(module, "SERVER", "mlserver"),
        data=getattr(module, "DATA", None),
        follow_up=getattr(module, "FOLLOW_UP", None),
    ) as made:
        yield made
