"""A real OCI registry (CNCF Distribution) in a folder: `scripts/install-oci-registry` builds it."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.process import ServerError, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARY = Path(__file__).resolve().parents[2] / ".servers" / "oci-registry"
START_TIMEOUT_S = 30.0

CONFIG = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: "{data}"}}}}
http: {{addr: "{host}"}}
"""


@contextmanager
def oci_registry(folder: Path) -> Iterator[str]:
    """Its `host:port`, over plain HTTP, once it answers. Raises ServerError."""
    if not BINARY.exists():
        raise ServerError("there is no OCI registry: scripts/install-oci-registry builds one")
    [port] = free_ports(1)
    host = f"127.0.0.1:{port}"
    config, log = folder / "registry.yaml", folder / "registry.log"
    config.write_text(CONFIG.format(data=folder / "data", host=host))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [BINARY, "serve", config], stdout=output, stderr=output, env={**os.environ, "OTEL_TRACES_EXPORTER": "none"}
        )
    try:
        _wait_for(host, process, log)
        yield host
    finally:
        process.kill()
        process.wait()


def _wait_for(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not _answers(host):
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise ServerError(f"the OCI registry did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.02)


def _answers(host: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"http://{host}/v2/", timeout=1).close()
    except OSError:
        return False
    return True


def require_oci_registry() -> None:
    """Skips the test where there is no OCI registry; fails it in CI."""
    if BINARY.exists():
        return
    missing = "there is no OCI registry here: run scripts/install-oci-registry"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
