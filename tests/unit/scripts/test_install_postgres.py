from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.unit.scripts.installing import give

if TYPE_CHECKING:
    from tests.unit.scripts.installing import Checkout

SCRIPT = "install-postgres"


def test_the_folder_of_the_one_on_path_is_linked(checkout: Checkout) -> None:
    """Distributions keep its programs together elsewhere, and put links to some on PATH."""
    for name in ("postgres", "initdb"):
        give(checkout.root / "lib" / "17" / name, "echo 17")
    (checkout.root / "tools" / "postgres").symlink_to(checkout.root / "lib" / "17" / "postgres")
    done = checkout.install(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert checkout.servers("postgresql").resolve() == checkout.root / "lib" / "17"


@pytest.mark.parametrize("programs", [{"postgres": "echo 17"}, {"postgres": "exit 127", "initdb": "echo 17"}])
def test_one_that_makes_no_databases_is_not_taken(checkout: Checkout, programs: dict[str, str]) -> None:
    for name, line in programs.items():
        give(checkout.root / "tools" / name, line)
    done = checkout.install(SCRIPT)
    assert done.returncode == 1
    assert "no PostgreSQL here" in done.stderr
    assert not checkout.servers("postgresql").exists()


def test_what_was_unpacked_before_runs_with_its_own_libraries(checkout: Checkout) -> None:
    give(checkout.root / "tools" / "postgres", "exit 127")  # hides one that the system may have: it lacks initdb
    kept = checkout.cache("peers", f"postgresql-{checkout.platform()}")
    programs = kept / "root" / "usr" / "lib" / "postgresql" / "15"
    for name in ("postgres", "initdb"):
        give(programs / "bin" / name, 'echo "$LD_LIBRARY_PATH"')
    (programs / "lib").mkdir()
    (programs / "lib" / "libpgcommon.so.5").touch()
    (kept / "complete").touch()
    done = checkout.install(SCRIPT)
    assert done.returncode == 0, done.stderr
    for name in ("postgres", "initdb"):
        ran = subprocess.run([checkout.servers("postgresql", name)], text=True, capture_output=True, check=True)
        assert ran.stdout.strip() == str(programs / "lib")
