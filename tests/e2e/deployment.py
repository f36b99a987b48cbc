"""A whole deployment on one machine: a registry, and replicas that each have an OPA of their own, fed by it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec

from sidecar.policy.child import find_opa
from tests.keys import private_pem, public_pem
from tests.process import REPOSITORY, Sidecar, started

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from tests.process import Answer
    from tests.servers.registry import RegistryServer

PATH = "/v2/models/credit/infer"
BODY = {"inputs": [{"name": "income", "shape": [1], "datatype": "FP64", "data": [50.0]}]}


@dataclass
class Opa:
    """OPA as it stands beside a sidecar: its configuration names bundles, its policy comes from there."""

    folder: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/opa.sock"

    def start(self) -> None:
        """Returns at once; whoever asks waits for it."""
        binary = find_opa()
        assert binary is not None, "run scripts/install-opa"
        (self.folder / "opa.sock").unlink(missing_ok=True)
        command = [binary, "run", "--server", "--addr", self.url, "--config-file", self.folder / "opa.yaml"]
        with (self.folder / "opa.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--log-level", "error", "--disable-telemetry"], cwd=self.folder, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass
class Replica:
    """One sidecar with its OPA."""

    opa: Opa
    sidecar: Sidecar

    def infer(self, token: str, **headers: str) -> Answer:
        return self.sidecar.infer(PATH, BODY, token=token, **headers)


@contextmanager
def replicas(folder: Path, opa_config: str, upstream: str, count: int, *flags: str) -> Generator[list[Replica]]:
    """Ready ones, each in a folder of its own. `opa_config`: what `sidecar registry opa-config` prints."""
    with ExitStack() as stack:
        running: list[Replica] = []
        for number in range(count):
            own = folder / f"replica-{number}"
            own.mkdir()
            (own / "opa.yaml").write_text(opa_config)
            opa = Opa(own)
            stack.callback(opa.kill)
            opa.start()
            started_ = started(own, upstream, "--server", "mlserver", "--engine", "opa", "--opa", opa.url, *flags)
            running.append(Replica(opa, stack.enter_context(started_)))
        for replica in running:
            replica.sidecar.await_ready()
        yield running


@dataclass(frozen=True, slots=True)
class Seen:
    """One answered call, as its client saw it."""

    replica: int
    sent_s: float
    status: int
    codes: tuple[str, ...]
    revision: str
    decision_id: str


@dataclass
class Load:
    """Calls to every replica, one after the other on each, until it is stopped."""

    running: Sequence[Replica]
    headers: dict[str, str] = field(default_factory=dict[str, str])
    seen: list[Seen] = field(default_factory=list[Seen])
    _stopped: threading.Event = field(default_factory=threading.Event)

    def _drive(self, number: int) -> None:
        replica = self.running[number]
        token = replica.sidecar.issuer.token()
        while not self._stopped.is_set():
            sent_s = time.monotonic()
            answer = replica.infer(token, **self.headers)
            codes = () if answer.status == 200 else tuple(answer.codes)
            names = {name.lower(): value for name, value in answer.headers.items()}
            self.seen.append(
                Seen(number, sent_s, answer.status, codes, names["x-policy-revision"], names["x-decision-id"])
            )

    @contextmanager
    def drive(self) -> Generator[Load]:
        """Runs while the block does; a failing client fails the test."""
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                self._drive(number)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(self.running))]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()
        assert failures == []


@dataclass(frozen=True, slots=True)
class Keys:
    """A key pair in PEM files: bundles are signed with it."""

    private: Path
    public: Path

    @classmethod
    def made(cls, folder: Path, name: str) -> Keys:
        key = ec.generate_private_key(ec.SECP256R1())
        private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
        private.write_bytes(private_pem(key))
        public.write_bytes(public_pem(key))
        return cls(private, public)


def opa_config(registry: RegistryServer, registry_key: Path, policy_key: Path) -> str:
    """What `sidecar registry opa-config` prints, for an engine's token."""
    token = registry.folder / "engine.token"
    token.write_text(registry.tokens["engine"])
    flags = ["--url", registry.url, "--public-key", registry_key, "--policy-key", policy_key, "--token-file", token]
    return sidecar_ok("registry", "opa-config", *flags)


def sidecar_ok(*words: object, cwd: Path | None = None) -> str:
    """What a verb prints; it must end well."""
    command = [sys.executable, "-m", "sidecar", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd or REPOSITORY, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def fill(registry: RegistryServer, data: Mapping[str, Any]) -> None:
    """Brings a data document into an empty registry by its API, one record at a time."""
    for kind, entries in (
        ("datasets", data["datasets"]),
        ("models", {name: {"owner": "risk@example.com", **facts} for name, facts in data["models"].items()}),
        ("group-means", {name: {"means": means} for name, means in data["group_mean"].items()}),
    ):
        for name, body in entries.items():
            done = registry.ask("PUT", f"/v1/{kind}/{name}", body, If_None_Match="*")
            assert done.status == 201, done.body


def publish(registry: RegistryServer, policy: Path, keys: Keys, *, revision: str | None = None) -> None:
    """Builds a folder's bundle and publishes it, by the verbs."""
    bundle = registry.folder / "policy.tar.gz"
    named = [] if revision is None else ["--revision", revision]
    sidecar_ok("policy", "build", policy, "--signing-key", keys.private, "--output", bundle, *named)
    token = registry.folder / "engineer.token"
    token.write_text(registry.tokens["engineer"])
    sidecar_ok("policy", "publish", bundle, registry.url, "--token-file", token)
