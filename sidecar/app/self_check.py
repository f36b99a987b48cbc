"""Can the model server be reached past the sidecar? Tried from here, on the address that others use.

A model server that listens on more than loopback answers whoever reaches its port, and nothing of that is judged or on
record. Configuration says where it should listen; this looks whether it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from typing import TYPE_CHECKING

from sidecar.app.problems import StartProblems
from sidecar.audit.records import Event
from sidecar.model.refusal import Refused
from sidecar.settings import Address

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from sidecar.audit.trail import Trail
    from sidecar.settings import Settings

LOOK_S = 5.0
LOOK_AGAIN_S = 1.0
"""While something is exposed: an operator who mends it need not wait."""
CONNECT_LIMIT_S = 0.5
REMEDY = "have the model server listen on 127.0.0.1 alone, or close the port"

logger = logging.getLogger("sidecar")


class SelfCheck:
    """What is known of each port. With no ports it knows of none, and is no obstacle to anything."""

    def __init__(self, host: str = "127.0.0.1", ports: Sequence[int] = (), *, strict: bool = False) -> None:
        self._host = host
        self._strict = strict
        self._answers: dict[int, bool | None] = dict.fromkeys(ports)
        self._recorded: list[int] = []

    @property
    def answers(self) -> Mapping[int, bool | None]:
        """By port, whether somebody answered; None where no attempt has shown it yet."""
        return self._answers

    @property
    def exposed(self) -> list[int]:
        """The ports by which the model can be reached past the sidecar."""
        return [port for port, answers in self._answers.items() if answers]

    def reasons(self) -> list[str]:
        """Why the sidecar should get no traffic; a check that only warns gives none."""
        if not self._strict:
            return []
        unknown = [port for port, answers in self._answers.items() if answers is None]
        return [
            *(f"the model is reachable past the sidecar on {self._name(port)}; {REMEDY}" for port in self.exposed),
            *(f"nothing shows yet that the model is not reachable on {self._name(port)}" for port in unknown),
        ]

    async def look(self) -> None:
        """Tries each port once."""
        before = self.exposed
        ports = list(self._answers)
        for port, answers in zip(ports, await asyncio.gather(*map(self._try, ports)), strict=True):
            if answers is not None:
                self._answers[port] = answers
        self._tell(before)

    async def run(self, trail: Trail) -> None:
        """Looks again and again, and puts each change on record, until it is cancelled."""
        while self._answers:
            await self._record(trail)
            await asyncio.sleep(LOOK_AGAIN_S if self.exposed else LOOK_S)
            await self.look()

    async def _try(self, port: int) -> bool | None:
        """A port of one's own address answers or refuses at once: anything else (a full queue, no more files of ours)
        says nothing, and what was known stays."""
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                _, writer = await asyncio.open_connection(self._host, port)
        except ConnectionRefusedError:
            return False
        except OSError:
            return None
        writer.close()
        return True

    def _tell(self, before: list[int]) -> None:
        for port in self.exposed:
            if port not in before:
                logger.error("the model is reachable past the sidecar on %s; %s", self._name(port), REMEDY)
        for port in before:
            if port not in self.exposed:
                logger.info("the model is no longer reachable past the sidecar on %s", self._name(port))

    async def _record(self, trail: Trail) -> None:
        if self.exposed == self._recorded:
            return
        exposed = self.exposed
        with contextlib.suppress(Refused):  # the disk is full, or the log broke: readiness says so; tried again
            await trail.event(Event.EXPOSURE_CHANGED, {"host": self._host, "exposed_ports": exposed})
            self._recorded = exposed

    def _name(self, port: int) -> str:
        return str(Address(self._host, port))


@contextlib.asynccontextmanager
async def self_check_room(settings: Settings, trail: Trail) -> AsyncGenerator[SelfCheck]:
    """The check that the settings ask for, its first look done. Raises StartProblems."""
    host = settings.self_check_host
    if settings.self_check == "off" or host is None:
        yield SelfCheck()
        return
    _require_own(host)
    own = {address.port for address in (settings.listen, settings.admin) if _is_at(address, host)}
    ports = [port for port in settings.self_check_ports if port not in own]
    check = SelfCheck(host, ports, strict=settings.self_check == "strict")
    await check.look()
    looking = asyncio.create_task(check.run(trail))
    try:
        yield check
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def _is_at(address: Address, host: str) -> bool:
    """Whether a socket of ours, bound to `address`, is what answers at `host`."""
    with contextlib.suppress(ValueError):  # a name
        bound = ipaddress.ip_address(address.host)
        return bound.is_unspecified or bound == ipaddress.ip_address(host)
    return False


def _require_own(host: str) -> None:
    """At another machine's address all ports would look closed."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))
    except OSError as error:
        remedy = "give an address of this machine; in a pod, its own (status.podIP)"
        raise StartProblems([f"--self-check-host {host}: {error.strerror}; {remedy}"]) from None
