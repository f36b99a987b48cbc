"""A port of this machine that leads to a pod of a Service, as by `kubectl port-forward`, which this node has not."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.kubernetes.cluster import Cluster


def ready_addresses(cluster: Cluster, service: str, namespace: str) -> list[str]:
    """The pods behind a Service that should get traffic now."""
    slices = cluster.get("endpointslices", f"--selector=kubernetes.io/service-name={service}", namespace=namespace)
    return sorted(
        address
        for each in slices
        for endpoint in each.get("endpoints") or ()
        if endpoint["conditions"].get("ready")
        for address in endpoint["addresses"]
    )


@contextmanager
def forwarded(cluster: Cluster, service: str, namespace: str, port: int) -> Generator[int]:
    """The local port. Each connection goes to a pod that is ready when it is made."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            [address, *_] = ready_addresses(cluster, service, namespace)
            with socket.create_connection((address, port), timeout=10) as far:
                far.settimeout(None)
                back = threading.Thread(target=_copied, args=(far, self.request))
                back.start()
                _copied(self.request, far)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _copied(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(65_536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one end is gone, and so is the connection
        return
