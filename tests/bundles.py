"""The four bundles of a deployment as tests make them, an OPA that gets them, and a clock that can be put forward."""

from __future__ import annotations

import subprocess
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sidecar.bundles.archive import write
from sidecar.bundles.manifest import Manifest
from sidecar.bundles.signing import SigningKey
from sidecar.http1.target import Target
from sidecar.model.refusal import Refused
from sidecar.policy.bundle import build
from sidecar.policy.events import NoEvents
from sidecar.policy.opa import OpaClient
from sidecar.policy.policy import Policy
from sidecar.policy.remote import RemoteSource
from tests.policies import DATA, REGO, opa_binary, question

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
    from pathlib import Path

    from sidecar.model.decision import Decision
    from sidecar.policy.bundle_memory import Memory
    from sidecar.policy.bundle_watch import BundleStatus
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.sequences import RolledBack
    from tests.servers.bundles import BundleServer

ROOTS = {
    "policy": ("sidecar", "guards", "lib"),
    "data": ("models", "datasets", "group_mean", "objections"),
    "revocations": ("revocations/tokens", "revocations/subjects", "revocations/after"),
    "revocations-earlier": ("revocations/earlier",),
}
CREATED_UNIX_S = 1_795_000_000.0
SEQUENCE = 1_795_000_000_000
MAX_AGE_S = 900.0
REVISION = "data-1+policy-1+revocations-1+revocations-earlier-1"
"""Of what `publish_all` publishes."""


class ShiftedClock:
    """The real time, and what a test adds to it: OPA's status tells real times."""

    def __init__(self) -> None:
        self.shift_s = 0.0

    def unix_s(self) -> float:
        return time.time() + self.shift_s

    def unix_ns(self) -> int:
        return int(self.unix_s() * 1e9)

    def monotonic_s(self) -> float:
        return time.monotonic() + self.shift_s


@cache
def key(name: str) -> tuple[bytes, bytes]:
    """A key pair in PEM, private and public, the same for the same name."""
    del name
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), public


@cache
def modules() -> Mapping[str, bytes]:
    """The shipped policy, composed."""
    return {path: text.encode() for path, text in build(REGO, None).modules.items()}


def data_files(**changes: Any) -> dict[str, bytes]:
    document = {name: DATA[name] for name in ROOTS["data"]} | changes
    return {"data.json": orjson.dumps(document, option=orjson.OPT_SORT_KEYS)}


def revocations_files(tokens: Mapping[str, int] | None = None) -> dict[str, bytes]:
    document = {"revocations": {"tokens": tokens or {}, "subjects": {}, "after": 0}}
    return {"data.json": orjson.dumps(document, option=orjson.OPT_SORT_KEYS)}


FILES: dict[str, Mapping[str, bytes]] = {
    "data": data_files(),
    "revocations": revocations_files(),
    "revocations-earlier": {
        "data.json": orjson.dumps({"revocations": {"earlier": {"number": 0, "subjects": {}, "tokens": {}}}})
    },
}


def signed(name: str, files: Mapping[str, bytes], manifest: Manifest, *, by: str = "ours", scope: str = "") -> bytes:
    """The archive of a bundle, with its signature."""
    whole = {**files, ".manifest": manifest.as_bytes()}
    signature = SigningKey(key(by)[0], "ours").sign(whole, scope or name)
    return write({**whole, ".signatures.json": signature})


def manifest(name: str, revision: str, sequence: int | None = SEQUENCE, **changes: Any) -> Manifest:
    return Manifest(revision, changes.get("roots", ROOTS[name]), sequence, CREATED_UNIX_S)


@dataclass
class Deployment:
    """A registry that publishes and an OPA with a disk of its own; both may be stopped and started."""

    registry: BundleServer
    folder: Path
    clock: ShiftedClock = field(default_factory=ShiftedClock)

    def publish(self, name: str, revision: str, sequence: int | None = SEQUENCE, **changes: Any) -> None:
        """`files` and `roots` replace those that are good."""
        files = changes.get("files") or (modules() if name == "policy" else FILES[name])
        self.registry.put(name, signed(name, files, manifest(name, revision, sequence, **changes)))

    def publish_all(self) -> None:
        for name in ROOTS:
            self.publish(name, f"{name}-1")

    @contextmanager
    def opa(self, *, persist: bool = True) -> Generator[None]:
        """Until the end of the block, when it is killed."""
        path = self.folder / "opa.json"
        path.write_bytes(orjson.dumps(self._config(persist=persist)))
        (self.folder / "s").unlink(missing_ok=True)
        command = [str(opa_binary()), "run", "--server", "--addr", f"unix://{self.folder}/s", "--skip-version-check"]
        log = (self.folder / "opa.log").open("ab")
        with log, subprocess.Popen([*command, f"--config-file={path}"], stdout=log, stderr=log) as process:
            try:
                yield
            finally:
                process.kill()

    def policy(
        self, memory: Memory | None = None, events: PolicyEvents | None = None, *, start_wait_s: float = 20
    ) -> Policy:
        """A sidecar's view of it; to be started and closed."""
        source = RemoteSource(
            OpaClient(Target.parse(f"unix://{self.folder}/s"), self.clock),
            self.clock,
            timeout_s=5,
            events=events,
            memory=memory,
            poll_s=0.05,
            status_s=0.1,
            start_wait_s=start_wait_s,
        )
        return Policy(source, mode="enforce", max_age_s=MAX_AGE_S)

    def _config(self, *, persist: bool) -> dict[str, Any]:
        bundles = {
            name: {
                "service": "registry",
                "resource": f"{name}.tar.gz",
                "persist": persist,
                "polling": {"min_delay_seconds": 1, "max_delay_seconds": 1, "long_polling_timeout_seconds": 2},
                "signing": {"keyid": "ours", "scope": name},
            }
            for name in ROOTS
        }
        return {
            "services": {"registry": {"url": f"http://127.0.0.1:{self.registry.port}"}},
            "keys": {"ours": {"algorithm": "ES256", "key": key("ours")[1].decode()}},
            "bundles": bundles,
            "persistence_directory": str(self.folder / "disk"),
            "status": {"prometheus": True},
        }


class Kept:
    """`Memory` in memory: what a restarted sidecar finds."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content
        self.writes = 0

    def read(self) -> bytes | None:
        return self.content

    def replace(self, content: bytes) -> None:
        self.content = content
        self.writes += 1


async def decided(policy: Policy) -> Decision:
    """Of a call that the rules allow, as the exchange asks: the snapshot first."""
    policy.snapshot()
    return await policy.decide(question(), cacheable=False)


class Told(NoEvents):
    """What was reported."""

    def __init__(self) -> None:
        self.rollbacks: list[Sequence[RolledBack]] = []
        self.activations: list[str] = []

    def activated(self, revision: str) -> None:
        self.activations.append(revision)

    def rolled_back(self, bundles: Sequence[RolledBack]) -> None:
        self.rollbacks.append(bundles)


@asynccontextmanager
async def running(policy: Policy) -> AsyncGenerator[Policy]:
    """Started, and closed at the end."""
    await policy.start()
    try:
        yield policy
    finally:
        await policy.aclose()


async def refusal(policy: Policy) -> str:
    """The reason for which a call that the rules allow is refused."""
    with pytest.raises(Refused) as raised:
        await decided(policy)
    return raised.value.reasons[0].code


def bundle_of(policy: Policy, name: str) -> BundleStatus:
    return next(bundle for bundle in policy.bundles if bundle.name == name)
