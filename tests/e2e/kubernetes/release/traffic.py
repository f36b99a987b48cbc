"""Calls without a pause to the pods of a Service, while something is changed under them."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.kubernetes.release.release import MODELS
from tests.e2e.kubernetes.release.workloads import good
from tests.kubernetes.forwarding import ready_addresses
from tests.process import Answer, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.e2e.kubernetes.release.workloads import Workload
    from tests.issuer import Issuer
    from tests.kubernetes.cluster import Cluster

LEARNING_S = 0.3
"""How late this client learns of a change of endpoints, as kube-proxy is late."""
TIMEOUT_S = 20


@dataclass
class Traffic:
    """Clients of a Service: half of them connect anew for each call, half keep their connection while they may.

    A call that gets no answer is in `lost`, with why; so nobody calls twice.
    """

    cluster: Cluster
    workload: Workload
    issuer: Issuer
    answers: list[Answer] = field(default_factory=list[Answer])
    lost: list[str] = field(default_factory=list[str])
    _addresses: list[str] = field(default_factory=list[str])
    _stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def unexpected(self) -> list[tuple[int, bytes]]:
        """Answers that are no prediction."""
        return [(answer.status, answer.body[:300]) for answer in self.answers if answer.status != 200]

    def unjudged(self) -> list[Answer]:
        """Predictions without proof that the model saw the call by way of a sidecar. The model echoes what it got."""
        return [answer for answer in self.answers if answer.status == 200 and not _was_judged(answer)]

    def revisions(self) -> set[str]:
        return {_named(answer)["x-policy-revision"] for answer in self.answers}

    def await_more(self, count: int) -> None:
        """Returns when so many more calls were answered."""
        wanted = len(self.answers) + count
        wait_until(lambda: len(self.answers) >= wanted)

    @contextmanager
    def flowing(self, clients: int = 4) -> Generator[Traffic]:
        """While the block runs."""
        self._addresses = ready_addresses(self.cluster, self.workload.name, MODELS)
        work: list[Callable[[], None]] = [self._learn]
        work += [lambda number=number: self._call(number, keeping=number % 2 == 0) for number in range(clients)]
        failures: list[BaseException] = []
        threads = [threading.Thread(target=_guarded, args=(each, failures)) for each in work]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()
        assert failures == []

    def _learn(self) -> None:
        while not self._stopped.wait(LEARNING_S):
            self._addresses = ready_addresses(self.cluster, self.workload.name, MODELS) or self._addresses

    def _call(self, number: int, *, keeping: bool) -> None:
        headers = {name.replace("_", "-"): value for name, value in good(self.issuer.token(expires_in_s=3600)).items()}
        connection: http.client.HTTPConnection | None = None
        for turn in itertools.count(number):
            if self._stopped.is_set():
                if connection is not None:
                    connection.close()
                return
            addresses = self._addresses
            if connection is None:
                address = addresses[turn % len(addresses)]
                connection = http.client.HTTPConnection(address, self.workload.port, timeout=TIMEOUT_S)
            try:
                connection.request("POST", self.workload.path, self.workload.body(0.5), headers)
                got = connection.getresponse()
                self.answers.append(Answer(got.status, dict(got.headers.items()), got.read()))
                closing = got.will_close
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(f"{connection.host} {time.strftime('%T')}: {error!r}")
                closing = True
            if closing or not keeping:
                connection.close()
                connection = None


def _guarded(work: Callable[[], None], failures: list[BaseException]) -> None:
    try:
        work()
    except BaseException as error:
        failures.append(error)


def _named(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _was_judged(answer: Answer) -> bool:
    received = {name.lower(): value for name, value in json.loads(answer.body)["received_headers"].items()}
    decision_id = _named(answer).get("x-decision-id")
    return (
        decision_id is not None and received.get("x-decision-id") == decision_id and "x-consent-token" not in received
    )
