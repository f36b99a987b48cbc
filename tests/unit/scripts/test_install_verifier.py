"""Where it cannot build. That it can is what the tests with the verifier show."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.unit.scripts.installing import SCRIPTS

if TYPE_CHECKING:
    from tests.unit.scripts.installing import Checkout


@pytest.mark.heavy  # makes a whole environment for the Go that it then cannot have
def test_without_go_the_remedy_is_named(checkout: Checkout) -> None:
    shutil.copytree(SCRIPTS.parent / "tests" / "go", checkout.root / "tests" / "go")
    done = checkout.install("install-verifier")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the verifier could not be built" in done.stderr
    assert "a Go of 1.26 or newer" in done.stderr
    assert not list(checkout.cache().glob("verifier/*/verifier"))
