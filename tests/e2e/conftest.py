"""The real model servers, each started once for all end-to-end tests."""

from __future__ import annotations

from tests.servers.fixtures import real_fakellm, real_kserve, real_mlserver, real_torchserve, real_triton

__all__ = ["real_fakellm", "real_kserve", "real_mlserver", "real_torchserve", "real_triton"]
