"""Where all is built already, and where nothing can be. That it builds is what the tests on a cluster show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.unit.scripts.installing import give

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.scripts.installing import Checkout

SCRIPT = "install-kubernetes"
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
TOOLS = ("etcd", "helm", "kustomize", "kubeconform")


def built(checkout: Checkout) -> dict[str, Path]:
    """All programs, as an earlier run left them in the cache, and a runc on PATH."""
    platform, version = checkout.platform(), checkout.version(SCRIPT, "kubernetes")
    together = checkout.cache("kubernetes", f"{version}-{platform}", "kubernetes")
    found = {name: give(together / name, "") for name in PROGRAMS}
    for name in TOOLS:
        own = checkout.cache("kubernetes", f"{name}-{checkout.version(SCRIPT, name)}-{platform}", name)
        found[name] = give(own, "")
    return found | {"runc": give(checkout.root / "tools" / "runc", "")}


def test_what_was_built_before_is_linked(checkout: Checkout) -> None:
    kept = built(checkout)
    done = checkout.install(SCRIPT)
    assert done.returncode == 0, done.stderr
    links = checkout.servers("kubernetes")
    assert {name: os.readlink(links / name) for name in os.listdir(links)} == {
        name: str(path) for name, path in kept.items()
    }


@pytest.mark.heavy  # makes a whole environment for the Go that it then cannot have
def test_without_a_way_to_build_it_the_remedy_is_named(checkout: Checkout) -> None:
    kept = built(checkout)
    kept["etcd"].unlink()
    done = checkout.install(SCRIPT)
    assert (done.returncode, done.stdout) == (1, "")
    assert "etcd could not be built" in done.stderr
    assert "it needs the Go module proxy and a Go of 1.26 or newer" in done.stderr
    assert not list(checkout.cache().glob("kubernetes/etcd-*/etcd"))
