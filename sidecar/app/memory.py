"""What the process asks of glibc's malloc; other C libraries have no such calls, and do without."""

from __future__ import annotations

import contextlib
import ctypes

MAPPED_FROM_BYTES = 1024 * 1024
"""A block of more has pages of its own."""
KEPT_BYTES = 16 * 1024 * 1024
"""Of the heap's end, for the next request: else each gives its pages back and asks for them anew."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""malloc.h"""


def map_large_blocks() -> None:
    """Large bodies grow in place and go back to the system whole; to be called before anything large was freed.

    Left alone, glibc raises its threshold up to 32 MiB by what it sees freed. A growing body then lies on the heap,
    where it is moved and leaves holes: a first body of 64 MiB took 1.33 times its size, and answers that clients had
    left unread were never given back.
    """
    with contextlib.suppress(AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)
        library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


def give_back() -> None:
    """Of what checking the policy took, glibc keeps some 3 MiB unless asked."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
