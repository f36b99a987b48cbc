"""One container of a pod: started, probed, ended and started again, in the states that its status shows."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.kubernetes.node.environment import NotThere
from tests.kubernetes.node.image import NoImage
from tests.kubernetes.node.order import Role, Stage, Standing
from tests.kubernetes.node.probing import HandlerUnknown, Prober
from tests.kubernetes.node.security import NotAllowed
from tests.kubernetes.node.times import now_text
from tests.kubernetes.programs import tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kubernetes.node.api import Json
    from tests.kubernetes.node.host import PodHost
    from tests.kubernetes.node.runtime import Running

BACK_OFF_S = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Before each restart; the last for all further ones. A kubelet's are longer: they double from 10 s to 5 minutes."""
RETRY_S = 1.0
MINIMUM_GRACE_S = 2.0
"""What a container gets after SIGTERM even where its time is up, as from a kubelet."""
CONFIG_ERROR = "CreateContainerConfigError"
REASONS = {NotThere: CONFIG_ERROR, NotAllowed: CONFIG_ERROR, HandlerUnknown: CONFIG_ERROR, NoImage: "ErrImagePull"}


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a container now. Times are as the API writes them."""

    stage: Stage = Stage.WAITING
    reason: str = "PodInitializing"
    message: str = ""
    """With `reason`: why it waits."""
    started: str = ""
    is_started: bool = False
    is_ready: bool = False
    restarts: int = 0
    exit_code: int = 0
    last: Json = field(default_factory=dict["str", object])
    """Its last end, as the API shows it."""


class Container:
    """`on_change` is called, from any thread, whenever its state has changed."""

    def __init__(self, role: Role, spec: Json, host: PodHost, on_change: Callable[[], None]) -> None:
        self.role = role
        self.spec = spec
        self.state = State()
        self._host = host
        self._on_change = on_change
        self._lock = threading.RLock()
        self._stopping = threading.Lock()
        self._running: Running | None = None
        self._probers: list[Prober] = []
        self._ended = threading.Event()
        self._ended.set()
        self._runs = 0
        self._due_s = 0.0

    @property
    def standing(self) -> Standing:
        """For decisions on order."""
        return Standing(self.role, self.state.stage, self.state.is_started, self.state.exit_code)

    @property
    def is_running(self) -> bool:
        return not self._ended.is_set()

    def due_in_s(self) -> float:
        """How long to wait before it may start; 0 where it may."""
        return max(0.0, self._due_s - time.monotonic())

    def start(self) -> None:
        """Starts it, or says in its state why not."""
        try:
            self._run()
        except tuple(REASONS) as error:
            self._due_s = time.monotonic() + RETRY_S
            self._put(stage=Stage.WAITING, reason=REASONS[type(error)], message=str(error))

    def wait_with(self, reason: str, message: str) -> None:
        """Says why it has not started yet."""
        self._put(reason=reason, message=message)

    def stop(self, grace_s: float, wait_for_turn: Callable[[float], None] = lambda _deadline_s: None) -> None:
        """preStop hook, SIGTERM, SIGKILL; returns when it has ended. `wait_for_turn` waits for others, until a time."""
        deadline_s = time.monotonic() + grace_s
        self._stop_probers()
        if grace_s > 0:
            with self._stopping:  # a failed probe and the pod's end may come together: the hook runs once
                self._end(deadline_s, wait_for_turn)
        self._signal("KILL")
        self._ended.wait()

    def wait_ended(self, deadline_s: float) -> None:
        """Until it has ended, or until that time (monotonic)."""
        self._ended.wait(max(0.0, deadline_s - time.monotonic()))

    def _end(self, deadline_s: float, wait_for_turn: Callable[[float], None]) -> None:
        self._run_hook("preStop", deadline_s)
        wait_for_turn(deadline_s)
        self._signal("TERM")
        self._ended.wait(max(deadline_s - time.monotonic(), MINIMUM_GRACE_S))

    def _run(self) -> None:
        self._runs += 1
        running = self._host.start(self.spec, self._runs)
        restarts = self.state.restarts + (1 if self.state.stage is Stage.ENDED else 0)
        with self._lock:
            self._running = running
            self._ended.clear()
        self._put(stage=Stage.RUNNING, started=now_text(), restarts=restarts)
        threading.Thread(target=self._follow, args=(running,), name=running.id, daemon=True).start()
        self._after_start()

    def _after_start(self) -> None:
        if not self._run_hook("postStart", time.monotonic() + self._host.grace_s):
            threading.Thread(target=self.stop, args=(self._host.grace_s,), daemon=True).start()
        elif not self._probe("startupProbe", None, self._startup_probed):
            self._startup_probed(True)

    def _startup_probed(self, good: bool) -> None:
        if not good:
            self._fail(self.spec["startupProbe"])
            return
        self._put(is_started=True, is_ready=False)
        self._probe("livenessProbe", True, lambda good: None if good else self._fail(self.spec["livenessProbe"]))
        if not self._probe("readinessProbe", False, lambda good: self._put(is_ready=good)):
            self._put(is_ready=True)

    def _probe(self, kind: str, initial: bool | None, on_change: Callable[[bool], None]) -> bool:
        if kind not in self.spec:
            return False
        with self._lock:
            if self._running is not None and self.is_running:
                asker = self._host.asker(self.spec, self._running)
                prober = Prober(self.spec[kind], asker, is_good=initial, on_change=on_change)
                self._probers.append(prober)
                prober.start()
        return True

    def _fail(self, probe: Json) -> None:
        """A failed startup or liveness probe ends the container; whether it starts again is the pod's policy."""
        self.stop(probe.get("terminationGracePeriodSeconds", self._host.grace_s))

    def _run_hook(self, name: str, deadline_s: float) -> bool:
        hook = self.spec.get("lifecycle", {}).get(name)
        if hook is None or self._running is None or not self.is_running:
            return True
        if "sleep" in hook:
            self.wait_ended(min(deadline_s, time.monotonic() + hook["sleep"]["seconds"]))
            return True
        return self._host.asker(self.spec, self._running).ask(hook, max(0.1, deadline_s - time.monotonic()))

    def _follow(self, running: Running) -> None:
        code = running.process.wait()
        self._stop_probers()
        has_begun = running.has_begun
        self._host.runtime.clean_up(running)
        self._due_s = time.monotonic() + BACK_OFF_S[min(self.state.restarts, len(BACK_OFF_S) - 1)]
        reason = "StartError" if not has_begun else "Error" if code else "Completed"
        last = {"exitCode": code, "reason": reason, "startedAt": self.state.started, "finishedAt": now_text()}
        if not has_begun:  # what runc says of it
            last["message"] = tail(self._host.log(self.spec["name"]), limit_bytes=500)
        with self._lock:  # who waits for the end finds the state changed, and no new start comes between
            self._assign(stage=Stage.ENDED, exit_code=code, last=last)
            self._ended.set()
        self._on_change()

    def _signal(self, name: str) -> None:
        if self._running is not None and self.is_running:
            self._host.runtime.signal(self._running, name)

    def _stop_probers(self) -> None:
        with self._lock:
            for prober in self._probers:
                prober.stop()
            self._probers.clear()

    def _put(self, **changed: object) -> None:
        with self._lock:
            self._assign(**changed)
        self._on_change()

    def _assign(self, **changed: object) -> None:
        self.state = replace(self.state, **changed)
        if self.state.stage is not Stage.RUNNING:  # a probe may answer late
            self.state = replace(self.state, is_started=False, is_ready=False)
