"""The two processes that every measurement runs: an upstream with one fixed answer, and the sidecar.

With two cores or more the sidecar may have the first to itself; its OPA, the upstream and the load share the others.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import workload
from bench.processes import CORES, BenchError, Cost, await_port, cost, free_port, name_of, pin, running, tree

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Mapping, Sequence
    from typing import Any

SIDECAR_CORES = CORES[:1]
OTHER_CORES = CORES[1:] or CORES


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A running sidecar, its engine's processes apart from its own."""

    pid: int
    address: str  # host:port of its data port
    admin: str  # host:port of its admin port

    def cost(self) -> Cost:
        """Of the sidecar without its OPA."""
        return cost(pid for pid in tree(self.pid) if not is_opa(pid))

    def engine_cost(self) -> Cost:
        """Of its OPA; nothing with the embedded engine, which is part of the sidecar."""
        return cost(pid for pid in tree(self.pid) if is_opa(pid))


@dataclass(frozen=True, slots=True)
class Given:
    """The files that a sidecar is given: the policy's data and the keys of consent tokens."""

    data: Mapping[str, Any]
    key_set: Mapping[str, Any]
    algorithm: str

    @staticmethod
    def of_workload() -> Given:
        """What bench/workload.py needs."""
        return Given(workload.data(), workload.key_set(), "HS256")

    def flags(self, folder: Path, name: str) -> list[str]:
        """Writes the files, and says where they are."""
        data, keys = folder / f"data-{name}.json", folder / f"keys-{name}.json"
        data.write_text(json.dumps(self.data))
        keys.write_text(json.dumps(self.key_set))
        consent = ["--consent-keys", str(keys), "--consent-algorithms", self.algorithm]
        consent += ["--consent-issuer", workload.ISSUER, "--consent-audience", workload.AUDIENCE]
        return ["--data", str(data), *consent]


@contextmanager
def upstream(folder: Path, cores: Sequence[int] = OTHER_CORES) -> Generator[str]:
    """nginx with one fixed answer; yields host:port."""
    port = free_port()
    template = Path(__file__).with_name("nginx.conf").read_text()
    filled = template.replace("FOLDER", str(folder)).replace("PORT", str(port)).replace("ANSWER", workload.answer())
    config = folder / "nginx.conf"
    config.write_text(filled)
    with running(["nginx", "-p", str(folder), "-c", str(config)], cores=cores) as process:
        await_port(process, port)
        yield f"127.0.0.1:{port}"


@contextmanager
def sidecar(
    folder: Path,
    upstream_address: str,
    *,
    mode: str,
    engine: str,
    name: str = "",
    launcher: Sequence[str] = ("sidecar",),
    flags: Sequence[str] = (),
    given: Given | None = None,
    cores: Sequence[int] = SIDECAR_CORES,
) -> Generator[Sidecar]:
    """`sidecar run` in front of the upstream, ready to serve.

    `launcher` stands for `sidecar` on its command line; `name` tells its files from those of another one. With `cores`
    it is kept to them and its OPA to the others; without, the kernel places all.
    """
    name = name or f"{mode}-{engine}"
    command = [*launcher, "run", "--upstream", f"http://{upstream_address}", "--server", "mlserver"]
    command += ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--engine", engine, "--mode", mode]
    command += ["--audit-dir", str(folder / f"audit-{name}"), *(given or Given.of_workload()).flags(folder, name)]
    command += flags
    log_file = folder / f"sidecar-{name}.log"
    with log_file.open("wb") as log, running(command, cores=cores, log=log) as process:
        ready = _ready_line(process, log_file)
        for pid in filter(is_opa, tree(process.pid) if cores else []):
            pin(pid, OTHER_CORES)
        yield Sidecar(pid=process.pid, address=ready["listen"], admin=ready["admin"])


def is_opa(pid: int) -> bool:
    """Whether a process of the sidecar is its policy engine."""
    return name_of(pid) == "opa"


def _ready_line(process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"the sidecar did not start:\n{log.read_text(errors='replace')[-3000:]}")
    return json.loads(line)
