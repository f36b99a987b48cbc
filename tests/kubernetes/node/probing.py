"""One probe of a container: asked again and again, until its thresholds say so."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kubernetes.node.api import Json


HOOKS = ("postStart", "preStop")


class HandlerUnknown(Exception):
    """A probe or hook that can never be answered here."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many answers of one kind came in a row, and what the probe says because of them."""

    is_good: bool | None
    """None: neither threshold was reached yet."""
    run_good: bool = False
    run_length: int = 0

    def after(self, *, good: bool, success_threshold: int, failure_threshold: int) -> Tally:
        """With one more answer."""
        length = self.run_length + 1 if good == self.run_good else 1
        reached = length >= (success_threshold if good else failure_threshold)
        return Tally(good if reached else self.is_good, good, length)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks a container by the handler of a probe or hook. `execute` runs a command in it: whether it succeeds."""

    address: str
    ports: dict[str, int]
    execute: Callable[[list[str], float], bool]

    def ask(self, handler: Json, timeout_s: float) -> bool:
        """Whether it answers well. The handler is one that `check_handlers` let pass."""
        if "exec" in handler:
            return self.execute(handler["exec"]["command"], timeout_s)
        if "httpGet" in handler:
            return self._http(handler["httpGet"], timeout_s)
        return self._connects(handler["tcpSocket"], timeout_s)

    def _http(self, get: Json, timeout_s: float) -> bool:
        """2xx and 3xx are good; redirects are not followed, certificates not verified."""
        where = get.get("host", self.address), self._port(get["port"])
        if get.get("scheme") == "HTTPS":
            unverified = ssl._create_unverified_context()  # as kubelets do
            connection = http.client.HTTPSConnection(*where, timeout=timeout_s, context=unverified)
        else:
            connection = http.client.HTTPConnection(*where, timeout=timeout_s)
        headers = {"User-Agent": "kube-probe", "Connection": "close"}
        headers |= {each["name"]: each["value"] for each in get.get("httpHeaders", [])}
        try:
            connection.request("GET", get.get("path", "/"), headers=headers)
            return 200 <= connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _connects(self, target: Json, timeout_s: float) -> bool:
        where = target.get("host", self.address), self._port(target["port"])
        try:
            socket.create_connection(where, timeout=timeout_s).close()
        except OSError:
            return False
        return True

    def _port(self, named: int | str) -> int:
        return self.ports[named] if isinstance(named, str) else named


def named_ports(container: Json) -> dict[str, int]:
    """The ports of a container that have names."""
    return {each["name"]: each["containerPort"] for each in container.get("ports", []) if "name" in each}


def check_handlers(container: Json) -> None:
    """Raises HandlerUnknown for a probe or hook that this node cannot ask."""
    ports = named_ports(container)
    for kind, handler in {**container, **container.get("lifecycle", {})}.items():
        if kind.endswith("Probe") or kind in HOOKS:
            aims = [handler[name] for name in ("httpGet", "tcpSocket") if name in handler]
            if not aims and not {"exec", "sleep"} & set(handler):
                raise HandlerUnknown(f"{kind} is neither exec, httpGet, tcpSocket nor sleep")
            for port in [aim["port"] for aim in aims if isinstance(aim["port"], str) and aim["port"] not in ports]:
                raise HandlerUnknown(f"{kind} names the port {port}, which the container does not have")


class Prober:
    """Asks one probe in a thread of its own, and tells `on_change` what it says whenever that changes."""

    def __init__(self, probe: Json, asker: Asker, *, is_good: bool | None, on_change: Callable[[bool], None]) -> None:
        self._probe = probe
        self._asker = asker
        self._tally = Tally(is_good)
        self._on_change = on_change
        self._stopped = threading.Event()

    def start(self) -> None:
        """After the probe's initial delay."""
        threading.Thread(target=self._run, name="probe", daemon=True).start()

    def stop(self) -> None:
        """Nothing is told any more."""
        self._stopped.set()

    def _run(self) -> None:
        wait_s = self._probe.get("initialDelaySeconds", 0)
        while not self._stopped.wait(wait_s):
            good = self._asker.ask(self._probe, self._probe.get("timeoutSeconds", 1))
            before, self._tally = (
                self._tally,
                self._tally.after(
                    good=good,
                    success_threshold=self._probe.get("successThreshold", 1),
                    failure_threshold=self._probe.get("failureThreshold", 3),
                ),
            )
            if self._tally.is_good is not None and before.is_good != self._tally.is_good and not self._stopped.is_set():
                self._on_change(self._tally.is_good)
            wait_s = self._probe.get("periodSeconds", 10)
