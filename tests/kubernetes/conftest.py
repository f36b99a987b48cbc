from __future__ import annotations

from tests.kubernetes.fixtures import cluster

__all__ = ["cluster"]
