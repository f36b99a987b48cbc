from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.unit.scripts.installing import give

if TYPE_CHECKING:
    from tests.unit.scripts.installing import Checkout

SCRIPT = "install-redis"


def test_the_one_on_path_is_linked(checkout: Checkout) -> None:
    given = give(checkout.root / "tools" / "redis-server", "echo 7")
    done = checkout.install(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert checkout.servers("redis-server").resolve() == given


def test_one_that_does_not_run_is_not_taken(checkout: Checkout) -> None:
    give(checkout.root / "tools" / "redis-server", "exit 127")
    done = checkout.install(SCRIPT)
    assert done.returncode == 1
    assert "no redis-server here" in done.stderr
    assert not checkout.servers("redis-server").exists()


def test_what_was_unpacked_before_runs_with_its_own_libraries(checkout: Checkout) -> None:
    if shutil.which("redis-server", path="/usr/bin:/bin"):
        pytest.skip("the system has a redis-server of its own, which is taken first")
    kept = checkout.cache("peers", f"redis-server-{checkout.platform()}")
    give(kept / "root" / "usr" / "bin" / "redis-check-rdb", 'echo "$LD_LIBRARY_PATH"')
    (kept / "root" / "usr" / "bin" / "redis-server").symlink_to("redis-check-rdb")  # as Debian has it
    library = kept / "root" / "usr" / "lib" / "libjemalloc.so.2"
    library.parent.mkdir()
    library.touch()
    (kept / "complete").touch()
    done = checkout.install(SCRIPT)
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([checkout.servers("redis-server")], text=True, capture_output=True, check=True)
    assert ran.stdout.strip() == str(library.parent)
