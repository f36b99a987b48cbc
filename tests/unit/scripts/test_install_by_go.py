"""Scripts that build one Go program into the cache."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.unit.scripts.installing import give

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.scripts.installing import Checkout


@dataclass(frozen=True)
class Script:
    """Its name, the name under which it makes its program available, and the program's own."""

    name: str
    link: str
    program: str

    def kept(self, checkout: Checkout) -> Path:
        version = f"{checkout.version(self.name)}-{checkout.platform()}"
        return checkout.cache(self.link, version, self.program)


SCRIPTS = [
    Script("install-collector", "otelcol", "otelcol"),
    Script("install-oci-registry", "oci-registry", "registry"),
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_what_was_built_before_is_linked(script: Script, checkout: Checkout) -> None:
    kept = give(script.kept(checkout), "")
    done = checkout.install(script.name)
    assert (done.returncode, done.stdout) == (0, f"{kept}\n")
    assert os.readlink(checkout.servers(script.link)) == str(kept)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_without_a_way_to_build_it_the_remedy_is_named(script: Script, checkout: Checkout) -> None:
    done = checkout.install(script.name)
    assert (done.returncode, done.stdout) == (1, "")
    assert "it needs the Go module proxy and a Go of" in done.stderr
    assert not checkout.servers().exists()
    assert not script.kept(checkout).exists()
