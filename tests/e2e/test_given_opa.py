"""`sidecar run --opa unix://…`: an OPA that is somebody else's, with bundles of its own."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sidecar.policy.bundle import build
from sidecar.policy.child import find_opa
from tests.e2e.test_run import BODY, PATH
from tests.process import REPOSITORY, example_data, fetch, started, wait_until
from tests.upstream import recording_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def given_opa(folder: Path) -> Generator[None]:
    """OPA on `folder/opa.sock` with the shipped rules as a bundle."""
    (folder / "given.json").write_text(json.dumps(example_data()))
    (folder / "bundle.tar.gz").write_bytes(build(REPOSITORY / "rego", folder / "given.json").archive())
    binary = find_opa()
    assert binary is not None, "run scripts/install-opa"
    socket = folder / "opa.sock"
    socket.unlink(missing_ok=True)
    command = [str(binary), "run", "--server", "--addr", f"unix://{socket}", "--log-level", "error"]
    command += ["--disable-telemetry", "--bundle", str(folder / "bundle.tar.gz"), "--set=status.prometheus=true"]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_an_absent_opa_is_503_and_unready_then_found_then_lost_then_found_again(tmp_path: Path) -> None:
    with recording_server() as upstream:
        flags = ["--opa", f"unix://{tmp_path}/opa.sock"]
        with started(tmp_path, upstream.url, *flags, "--server", "mlserver") as running:
            url, admin = running.url, running.admin_url
            assert fetch(admin + "/health/ready").status == 503
            assert fetch(admin + "/health/live").status == 200
            assert fetch(url + "/v2/health/ready").status == 200
            refused = fetch(url + PATH, json.dumps(BODY).encode(), Content_Type="application/json")
            assert (refused.status, refused.codes) == (503, ["policy_unavailable"])
            with given_opa(tmp_path):
                wait_until(lambda: fetch(admin + "/health/ready").status == 200)
                running.await_ready()
                assert running.ready["engine"] == "opa"
                assert running.infer(PATH, BODY).status == 200
            lost = running.infer(PATH, BODY)
            assert (lost.status, lost.codes) == (503, ["policy_unavailable"])
            assert fetch(admin + "/health/ready").status == 200
            with given_opa(tmp_path):
                started_s = time.monotonic()
                wait_until((tmp_path / "opa.sock").exists)
                wait_until(lambda: running.infer(PATH, BODY).status == 200)
                assert time.monotonic() - started_s < 4
