"""In a process of its own: what is asked of malloc cannot be taken back."""

from __future__ import annotations

import subprocess
import sys

GROW = """
import resource, sys
from sidecar.app.memory import give_back, map_large_blocks

if sys.argv[1] == "mapped":
    map_large_blocks()
for size in (4, 8, 16, 24):  # what a start frees: glibc learns from it to keep such blocks
    del [bytes(size << 20)][0]
keep = []

def peak_kib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = peak_kib()
body = bytearray()
part = bytes(64 << 10)
while len(body) < 64 << 20:
    body += part
    keep.append(bytes(2_000))  # something lies behind it
give_back()
print((peak_kib() - before) / 1024)
"""


def grown_mib(how: str) -> float:
    done = subprocess.run([sys.executable, "-c", GROW, how], check=True, capture_output=True, text=True)
    return float(done.stdout)


def test_a_body_that_grows_is_held_once() -> None:
    assert grown_mib("mapped") < 64 * 1.15
