from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.scripts.installing import give

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.scripts.installing import Checkout

SCRIPT = "install-bench-peers"
FOUNDATIONS = ("wrk", "nginx", "vegeta", "envoy", "redis-server")
PEERS = ("opa-envoy-plugin", "skipper")


def give_foundations(checkout: Checkout) -> list[Path]:
    version = checkout.version("install-opa")
    give(checkout.root / "tools" / "opa", f'echo "Version: {version}"')
    return [give(checkout.root / "tools" / name, "true") for name in FOUNDATIONS]


def test_what_is_on_path_is_linked(checkout: Checkout) -> None:
    given = [*give_foundations(checkout), *(give(checkout.root / "tools" / name, "true") for name in PEERS)]
    done = checkout.install(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert [checkout.servers("bench", name).resolve() for name in (*FOUNDATIONS, *PEERS)] == given


def test_peers_that_no_registry_serves_are_named_as_missing_after_the_others(checkout: Checkout) -> None:
    give_foundations(checkout)
    done = checkout.install(SCRIPT)
    assert done.returncode == 1
    assert all(f"no {name} here: " in done.stderr for name in PEERS)
    assert "OPA_ENVOY_PLUGIN=/path/to/it" in done.stderr
    assert all(checkout.servers("bench", name).exists() for name in FOUNDATIONS)
    assert not any(checkout.servers("bench", name).exists() for name in PEERS)


def test_a_peer_that_was_linked_once_stays(checkout: Checkout) -> None:
    give_foundations(checkout)
    built = [give(checkout.root / "elsewhere" / name, "true") for name in PEERS]
    checkout.servers("bench").mkdir(parents=True)
    for name, program in zip(PEERS, built, strict=True):
        checkout.servers("bench", name).symlink_to(program)
    done = checkout.install(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert [checkout.servers("bench", name).resolve() for name in PEERS] == built
