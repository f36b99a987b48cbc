"""Probes of the model server, performed for the kubelet, which no longer reaches the model server itself.

They tell well or ill and nothing of what the model server says.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import partial
from typing import TYPE_CHECKING

from sidecar.settings.probes import HttpProbe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sidecar.settings.probes import Probe

HOST = "127.0.0.1"
AT_ONCE = 8
"""Whoever reaches the admin port may ask; more than these would be asked of the model server for nobody."""
STATUS_LINE_LIMIT_BYTES = 4_096
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r?\n)")


class Prober:
    """Performs the probes of the settings: each gives None where the model server is well, else what is not."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._free = AT_ONCE
        self.probes: Mapping[str, Callable[[], Awaitable[str | None]]] = {
            name: partial(self._perform, probe) for name, probe in probes.items()
        }

    async def _perform(self, probe: Probe) -> str | None:
        if self._free == 0:
            return f"{AT_ONCE} probes are under way already"
        self._free -= 1
        try:
            async with asyncio.timeout(probe.timeout_s):
                kind = probe.kind
                return await (_get(kind) if isinstance(kind, HttpProbe) else _connect(kind.port))
        except TimeoutError:
            return f"no answer within {probe.timeout_s:g} s"
        except (OSError, ValueError) as error:  # ValueError: a first line beyond the limit
            return f"no answer: {type(error).__name__}"
        finally:
            self._free += 1


async def _connect(port: int) -> None:
    _, writer = await asyncio.open_connection(HOST, port)
    writer.close()


async def _get(probe: HttpProbe) -> str | None:
    """As the kubelet does it: any status from 200 to 399 is well, redirects are not followed, nobody's certificate
    is looked at. Source: Kubernetes, "Configure Liveness, Readiness and Startup Probes"."""
    tls = _unverified() if probe.scheme == "HTTPS" else None
    reader, writer = await asyncio.open_connection(HOST, probe.port, ssl=tls, limit=STATUS_LINE_LIMIT_BYTES)
    try:
        writer.write(_request(probe))
        match = _STATUS.match(await reader.readline())
    finally:
        writer.transport.abort()  # the rest of the answer is of no interest
    if match is None:
        return "no answer in HTTP"
    return None if b"200" <= match[1] < b"400" else f"answered {int(match[1])}"


def _request(probe: HttpProbe) -> bytes:
    standard = {"Host": f"{HOST}:{probe.port}", "User-Agent": "kube-probe/sidecar", "Accept": "*/*"}
    named = {name.lower() for name, _ in probe.headers}
    fields = [*((name, value) for name, value in standard.items() if name.lower() not in named), *probe.headers]
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"GET {probe.path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode("ascii")


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
