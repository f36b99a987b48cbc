"""The life of one pod, in a thread of its own: set up, kept as its spec says, stopped in order, taken down."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from tests.kubernetes.node.container import Container
from tests.kubernetes.node.environment import NotThere
from tests.kubernetes.node.order import Stage, outcome, roles, stops_before, to_start
from tests.kubernetes.node.status import pod_status

if TYPE_CHECKING:
    from tests.kubernetes.node.api import Json
    from tests.kubernetes.node.host import PodHost
    from tests.kubernetes.node.parts import Parts

log = logging.getLogger(__name__)
RETRY_S = 1.0
REFRESH_S = 10.0


class PodLife:
    """From its first sight to its end. Other threads only call `update` and `wake`."""

    def __init__(self, pod: Json, parts: Parts) -> None:
        self._pod = pod
        self._parts = parts
        self._is_gone = False
        self._changed = threading.Event()
        self._host: PodHost | None = None
        self._containers: list[Container] = []
        self._phase: str | None = None
        self._thread = threading.Thread(target=self._run, name=pod["metadata"]["name"], daemon=True)

    def start(self) -> None:
        self._thread.start()

    def update(self, pod: Json | None) -> None:
        """The object has changed; None: it is gone, and whatever runs of it has to end at once."""
        if pod is None:
            self._is_gone = True
        else:
            self._pod = pod
        self.wake()

    def wake(self) -> None:
        """Something that it waits for may have changed."""
        self._changed.set()

    def _run(self) -> None:
        try:
            self._set_up()
            while not self._is_ending:
                wait_s = self._step()
                self._publish()
                self._wait(wait_s)
            self._stop(self._grace_s)
            self._publish()
        except Exception as error:  # of the node's own: the pod shows it
            log.exception("pod %s", self._pod["metadata"]["name"])
            self._parts.reporter.report_failure(self._pod, error)
        finally:
            if self._host is not None:
                self._parts.take_down(self._host)
        while not self._is_gone and not (self._is_ending and self._parts.delete(self._pod)):
            self._wait(RETRY_S)
        self._parts.reporter.forget(self._pod)

    @property
    def _is_ending(self) -> bool:
        return self._is_gone or "deletionTimestamp" in self._pod["metadata"]

    @property
    def _grace_s(self) -> float:
        return 0 if self._is_gone else self._pod["metadata"].get("deletionGracePeriodSeconds", 0)

    @property
    def _restart_policy(self) -> str:
        return self._pod["spec"].get("restartPolicy", "Always")

    def _set_up(self) -> None:
        """Network and volumes; waits for what they need."""
        host = self._host = self._parts.new_host(self._pod)
        self._containers = [Container(role, spec, host, self.wake) for role, spec in roles(self._pod["spec"])]
        while not self._is_ending:
            try:
                host.volumes.set_up(host.pod)
            except NotThere as error:
                for each in self._containers:
                    each.wait_with("ContainerCreating", f"a volume waits for {error}")
                self._publish()
                self._wait(RETRY_S)
            else:
                return

    def _step(self) -> float:
        """Starts what is to start now; how long to wait for the next step where nothing changes."""
        assert self._host is not None
        self._host.pod = self._parts.addressed(self._pod, self._host.sandbox.address)
        self._host.volumes.refresh(self._host.pod)
        if self._phase is not None:
            return REFRESH_S
        standings = [each.standing for each in self._containers]
        self._phase = outcome(standings, self._restart_policy)
        if self._phase is not None:
            self._stop(self._host.grace_s)
            return 0
        starting = [self._containers[place] for place in to_start(standings, self._restart_policy)]
        for each in starting:
            if each.due_in_s() == 0:
                each.start()
        return min([REFRESH_S, *(each.due_in_s() for each in starting if not each.is_running)])

    def _stop(self, grace_s: float) -> None:
        """All at once, but that each waits for its turn before SIGTERM. Their hooks run from the beginning."""
        threads = [
            threading.Thread(target=each.stop, args=(grace_s, lambda until_s, p=place: self._await_turn(p, until_s)))
            for place, each in enumerate(self._containers)
            if each.is_running
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self._publish()
            self._wait(RETRY_S)
            if self._is_gone:  # force: no grace is left
                for each in self._containers:
                    each.stop(0)

    def _await_turn(self, place: int, until_s: float) -> None:
        standings = [each.standing for each in self._containers]
        for other in stops_before(standings, place):
            self._containers[other].wait_ended(until_s)

    def _publish(self) -> None:
        if self._is_gone or self._host is None:
            return
        standings = [each.standing for each in self._containers]
        restarting = [] if self._is_ending or self._phase else to_start(standings, self._restart_policy)
        status = pod_status(
            self._containers,
            phase=self._phase,
            will_restart=[place for place in restarting if standings[place].stage is Stage.ENDED],
            address=self._host.sandbox.address,
            host_address=self._parts.host_address,
        )
        self._parts.reporter.report(self._pod, status)

    def _wait(self, timeout_s: float) -> None:
        self._changed.wait(timeout_s)
        self._changed.clear()
