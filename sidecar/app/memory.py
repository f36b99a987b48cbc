"""What the process asks of glibc's malloc; other C libraries have no such calls, and do without."""

from __future__ import annotations

import contextlib
import ctypes

MAPPED_FROM_BYTES = 1024 * 1024
"""A block of more has pages of its own."""
_M_MMAP_THRESHOLD = -3
"""malloc.h"""


def map_large_blocks() -> None:
    """Large bodies grow in place and go back to the system whole; to be called before anything large was freed.

    Left alone, glibc raises its threshold up to 32 MiB by what it sees freed. A growing body then lies on the heap,
    where it is moved and leaves holes: a first body of 64 MiB took 1.33 times its size, and answers that clients had
    left unread were never given back.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)


def give_back() -> None:
    """Of what checking the policy took, glibc keeps some 3 MiB unless asked."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
