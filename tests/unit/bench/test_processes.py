from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from bench.processes import BenchError, cost, cost_by_name, free_port, name_of, running, serving, tree

if TYPE_CHECKING:
    from pathlib import Path

WAITS = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]


def test_a_tree_is_a_process_and_its_descendants() -> None:
    code = f"import subprocess; subprocess.run({WAITS!r})"
    with running([sys.executable, "-c", code]) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the child is up
        pids = tree(process.pid)
        assert pids[0] == process.pid
        assert len(pids) == 2
        assert cost(pids).resident_mib > cost(pids[:1]).resident_mib > 0
        assert set(cost_by_name(pids)) == {name_of(pid) for pid in pids}
        os.kill(pids[1], signal.SIGKILL)


def test_what_does_not_listen_says_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with pytest.raises(BenchError, match="no such thing"), serving(command, free_port(), tmp_path / "log"):
        pass
