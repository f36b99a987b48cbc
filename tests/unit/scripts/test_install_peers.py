from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.unit.scripts.installing import give

if TYPE_CHECKING:
    from tests.unit.scripts.installing import Checkout

SCRIPT = "install-peers"
PEERS = ("nginx", "haproxy", "slowhttptest")


def test_what_is_on_path_is_linked(checkout: Checkout) -> None:
    given = [give(checkout.root / "tools" / name, f"echo {name}") for name in PEERS]
    done = checkout.install(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert [checkout.servers("peers", name).resolve() for name in PEERS] == given


def test_what_cannot_be_had_is_told_after_the_others(checkout: Checkout) -> None:
    for name in PEERS[:2]:
        give(checkout.root / "tools" / name, "true")
    done = checkout.install(SCRIPT)
    assert done.returncode == 1
    assert "no slowhttptest here" in done.stderr
    assert "apt-get install slowhttptest" in done.stderr
    assert [checkout.servers("peers", name).exists() for name in PEERS] == [True, True, False]


def test_what_was_unpacked_before_runs_with_its_own_libraries(checkout: Checkout) -> None:
    for name in PEERS[:2]:
        give(checkout.root / "tools" / name, "true")
    kept = checkout.cache("peers", f"slowhttptest-{checkout.platform()}")
    give(kept / "root" / "usr" / "bin" / "slowhttptest", 'echo "$LD_LIBRARY_PATH $1"')
    library = kept / "root" / "usr" / "lib" / "x" / "libx.so.1"
    library.parent.mkdir(parents=True)
    library.touch()
    (kept / "complete").touch()
    assert checkout.install(SCRIPT).returncode == 0
    ran = subprocess.run([checkout.servers("peers", "slowhttptest"), "-h"], text=True, capture_output=True, check=True)
    assert ran.stdout == f"{library.parent} -h\n"
