"""Consent withdrawn by the registry's API: the next calls are refused within seconds, also over its restarts."""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.child import find_opa
from tests.e2e.deployment import Keys, fill, opa_config, publish, replicas
from tests.issuer import ISSUER
from tests.process import REPOSITORY, example_data
from tests.servers.registry import RegistryServer
from tests.upstream import recording_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.deployment import Replica

pytestmark = pytest.mark.heavy

REVOCATIONS = 100
LANES = 10
LIMIT_S = 5.0


class Restarts:
    """Ends the registry and starts it again, every few seconds; knows for how long it was away."""

    def __init__(self, registry: RegistryServer) -> None:
        self.gate = threading.RLock()
        """Whoever asks the registry something holds it: while it restarts nobody can."""
        self.away_s = 0.0
        self._registry = registry
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._done.wait(4.0):
            with self.gate:
                began_s = time.monotonic()
                self._registry.stop()
                self._registry.start()
                self.away_s += time.monotonic() - began_s

    def __enter__(self) -> Restarts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def revoked_after_s(replica: Replica, registry: RegistryServer, token_id: str, restarts: Restarts) -> float:
    """Seconds from the API's answer to the last call that was let through; the calls before are permitted."""
    token = replica.sidecar.issuer.token(jti=token_id)
    assert replica.infer(token).status == 200  # and kept by the decision cache
    named = {"tokens": [{"issuer": ISSUER, "token_id": token_id}]}
    with restarts.gate:
        done = registry.ask("POST", "/v1/revocations", named, "steward")
        away_s = restarts.away_s
    assert done.status == 200, done.body
    revoked_s = time.monotonic()
    while True:
        asked_s = time.monotonic()
        answer = replica.infer(token)
        if answer.status != 200:
            assert (answer.status, answer.codes) == (403, ["consent_revoked"])
            return asked_s - revoked_s
        with restarts.gate:  # a start takes a slow machine seconds, in which nobody can tell an engine anything
            allowed_s = LIMIT_S + restarts.away_s - away_s
        assert asked_s - revoked_s < allowed_s, "still let through"


def test_a_revocation_refuses_within_5_s_also_over_restarts_of_the_registry(tmp_path: Path) -> None:
    assert find_opa() is not None
    keys, subject_key = Keys.made(tmp_path, "policy"), tmp_path / "subject-key"
    subject_key.write_bytes(secrets.token_bytes(32))
    subject_key.chmod(0o600)
    flags = ("--policy-key", str(keys.public), "--subject-key", str(subject_key))
    with recording_server() as model, RegistryServer(tmp_path, *flags) as registry:
        fill(registry, example_data())
        publish(registry, REPOSITORY / "rego", keys, revision="shipped")
        config = opa_config(registry, tmp_path / "registry.db.key.pub.pem", keys.public)
        with replicas(tmp_path, config, model.url, 2, "--subject-key", str(subject_key)) as running:
            with Restarts(registry) as restarts, ThreadPoolExecutor(LANES) as pool:

                def lane(number: int) -> list[float]:
                    return [
                        revoked_after_s(running[number % 2], registry, f"token-{number}-{turn}", restarts)
                        for turn in range(REVOCATIONS // LANES)
                    ]

                found = [seconds for each in pool.map(lane, range(LANES)) for seconds in each]
            assert len(found) == REVOCATIONS
            print(f"revoked after {sorted(found)[len(found) // 2]:.2f} s at the median, {max(found):.2f} s at most")
