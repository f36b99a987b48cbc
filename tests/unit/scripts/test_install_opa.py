from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.unit.scripts.installing import give

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.scripts.installing import Checkout

SCRIPT = "install-opa"


def opa(checkout: Checkout, version: str) -> Path:
    return give(checkout.root / "tools" / "opa", f"echo Version: {version}")


def linked(checkout: Checkout) -> Path:
    """Where the link is made, in an environment that is there."""
    link = checkout.root / ".venv" / "bin" / "opa"
    link.parent.mkdir(parents=True, exist_ok=True)
    return link


def test_the_pinned_version_on_path_is_taken(checkout: Checkout) -> None:
    link, wanted = linked(checkout), opa(checkout, checkout.version(SCRIPT))
    done = checkout.install(SCRIPT)
    assert (done.returncode, done.stdout) == (0, f"{wanted}\n")
    assert os.readlink(link) == str(wanted)


def test_the_link_it_makes_is_never_taken_for_the_binary(checkout: Checkout) -> None:
    link, wanted = linked(checkout), opa(checkout, checkout.version(SCRIPT))
    checkout.install(SCRIPT)
    done = checkout.install(SCRIPT, ".venv/bin", "tools")  # as in an activated environment
    assert (done.returncode, done.stdout) == (0, f"{wanted}\n")
    assert os.readlink(link) == str(wanted)


@pytest.mark.heavy  # makes a whole environment for the Go that it then cannot have
def test_without_a_way_to_have_it_the_remedy_is_named(checkout: Checkout) -> None:
    link, _ = linked(checkout), opa(checkout, "0.1.0")
    give(checkout.root / "tools" / "go", "echo go1.2.3")
    done = checkout.install(SCRIPT)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"OPA {checkout.version(SCRIPT)} could not be had" in done.stderr
    assert "--engine embedded" in done.stderr
    assert not link.exists()
    assert not list(checkout.cache().glob("opa/*/opa"))
