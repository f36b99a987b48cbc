"""A killed test run leaves nothing behind, and a cluster beside it does not mind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.manifests import http, pod, web
from tests.kubernetes.programs import REPOSITORY, run
from tests.kubernetes.slots import taken_slot
from tests.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.heavy


@pytest.fixture
def doomed(cluster: Cluster, tmp_path: Path) -> Generator[tuple[Cluster, subprocess.Popen[bytes]]]:
    """A second cluster, and the process that runs it."""
    folder = tmp_path / "doomed"
    command = [sys.executable, "-m", "tests.kubernetes", str(folder)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield Cluster(folder / "admin.kubeconfig", folder), process
        finally:
            process.kill()


def test_a_killed_run_leaves_nothing(cluster: Cluster, doomed: tuple[Cluster, subprocess.Popen[bytes]]) -> None:
    other, process = doomed
    namespace = f"--namespace={other.new_namespace('doomed')}"
    other.apply([pod("runs", web("web", f"--write={other.folder}", readinessProbe=http()))], "doomed")
    other.kubectl("wait", "--for=condition=Ready", "pod/runs", namespace, "--timeout=30s")
    assert {"etcd", "kube-apiserver", "python", "runc"} <= programs_of(other.folder)
    address = other.get("pod", "runs", namespace="doomed")["status"]["hostIP"]
    assert address in run("ip", "-oneline", "address")
    process.kill()
    wait_until(lambda: programs_of(other.folder) == set())
    assert str(other.folder) not in Path("/proc/mounts").read_text()
    with taken_slot():  # as at the next start
        assert address not in run("ip", "-oneline", "address")
    assert cluster.kubectl("get", "namespace", "doomed", "--ignore-not-found") == ""


def programs_of(folder: Path) -> set[str]:
    """Of processes that have a file of the folder in their command line."""
    lines = [words for path in Path("/proc").glob("[0-9]*/cmdline") if (words := _words(path))]
    return {Path(words[0]).name for words in lines if any(str(folder) in word for word in words)}


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split("\0")[:-1]
    except OSError:  # it has ended meanwhile
        return []
