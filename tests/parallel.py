"""Which tests `scripts/test` runs in the same process, where it has several (pytest-xdist).

A file stays whole, as its fixtures are its own. In the order of collection the long ones come first (`e2e`), and the
many short ones of `unit` fill up what is left: so the processes end together.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "tests/e2e/servers/": "real model servers",
    "tests/e2e/test_clients.py": "real model servers",
    "tests/e2e/test_demo.py": "a finished demo",
    "tests/e2e/test_replay.py": "a finished demo",
    "tests/e2e/kubernetes/admission/": "an API server",
    "tests/e2e/kubernetes/release/": "a cluster",
    "tests/kubernetes/": "a cluster",
}
"""Files, by the start of their path, that share what is costly to start."""


class FilesTogether(LoadFileScheduling):
    """Hands out files, and those of one value of `TOGETHER` as if they were one."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (name for start, name in TOGETHER.items() if nodeid.startswith(start))
        return next(shared, super()._split_scope(nodeid))
