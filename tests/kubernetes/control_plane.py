"""A real control plane as processes: etcd, API server, controllers, scheduler. Its state is kept nowhere."""

from __future__ import annotations

import ssl
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kubernetes.authority import Authority, Credentials, write_key
from tests.kubernetes.programs import ClusterError, program, tail, tool
from tests.kubernetes.slots import SERVICE_NETWORK
from tests.servers.process import free_ports

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from tests.kubernetes.slots import Slot

READY_TIMEOUT_S = 60.0
SERVER_NAMES = ("kubernetes.default.svc", "kubernetes.default", "kubernetes", "localhost", "127.0.0.1")
ADMINISTRATORS = "system:masters"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane. `kubeconfig` is its administrator's."""

    folder: Path
    authority: Authority
    port: int
    kubeconfig: Path

    def kubeconfig_of(self, user: str, *groups: str) -> Path:
        """For a user with a certificate of its own."""
        return _kubeconfig(self.folder, self.authority, self.port, user, groups)


@contextmanager
def control_plane(slot: Slot, folder: Path) -> Generator[ControlPlane]:
    """Yields once the API server answers and controllers and scheduler run. Raises ClusterError, with a log."""
    authority = Authority(folder)
    etcd_port, etcd_peer_port, port = free_ports(3)
    with ExitStack() as running:
        running.enter_context(program(folder / "etcd.log", *_etcd(folder, etcd_port, etcd_peer_port)))
        log = folder / "kube-apiserver.log"
        server = running.enter_context(program(log, *_api_server(slot, folder, authority, etcd_port, port)))
        admin = authority.issue("admin", [ADMINISTRATORS])
        _await_ready(authority.ca_file, admin, port, server, log)
        for name, flags in _controllers(folder).items():
            config = _kubeconfig(folder, authority, port, f"system:{name}", ())
            common = ("--kubeconfig", str(config), "--leader-elect=false", "--secure-port=0", "--v=1")
            running.enter_context(program(folder / f"{name}.log", tool(name), *common, *flags))
        yield ControlPlane(folder, authority, port, _kubeconfig(folder, authority, port, "admin", [ADMINISTRATORS]))


def _etcd(folder: Path, port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        tool("etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # nothing of it is to survive
        "--log-level=warn",
    ]


def _api_server(slot: Slot, folder: Path, authority: Authority, etcd_port: int, port: int) -> list[str]:
    serving = authority.issue("kube-apiserver", places=[*SERVER_NAMES, slot.host_address])
    kubelet_client = authority.issue("kube-apiserver-kubelet-client", [ADMINISTRATORS])
    account_key = folder / "service-accounts.key"
    write_key(account_key, ec.generate_private_key(ec.SECP256R1()))
    return [
        tool("kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        f"--secure-port={port}",
        "--bind-address=0.0.0.0",  # pods reach it over the bridge, which may not be there yet
        f"--advertise-address={slot.host_address}",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        f"--tls-cert-file={serving.cert_file}",
        f"--tls-private-key-file={serving.key_file}",
        f"--client-ca-file={authority.ca_file}",
        f"--kubelet-certificate-authority={authority.ca_file}",
        f"--kubelet-client-certificate={kubelet_client.cert_file}",
        f"--kubelet-client-key={kubelet_client.key_file}",
        f"--service-account-key-file={account_key}",
        f"--service-account-signing-key-file={account_key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",  # Pod Security and our own policies decide, as in most clusters
        "--enable-aggregator-routing=true",  # webhooks are called at addresses of pods: there is no kube-proxy
        "--profiling=false",
    ]


def _controllers(folder: Path) -> dict[str, list[str]]:
    return {
        "kube-controller-manager": [
            f"--service-account-private-key-file={folder / 'service-accounts.key'}",
            f"--root-ca-file={folder / 'ca.crt'}",
            "--use-service-account-credentials=true",
        ],
        "kube-scheduler": [],
    }


def _kubeconfig(folder: Path, authority: Authority, port: int, user: str, groups: Sequence[str]) -> Path:
    credentials = authority.issue(user, groups)
    server = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(authority.ca_file)}
    identity = {"client-certificate": str(credentials.cert_file), "client-key": str(credentials.key_file)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        "current-context": "test",
    }
    path = folder / f"{user.replace(':', '-')}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def _await_ready(ca: Path, admin: Credentials, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    trusting = ssl.create_default_context(cafile=ca)
    trusting.load_cert_chain(admin.cert_file, admin.key_file)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while not _answers(opener, f"https://127.0.0.1:{port}/readyz"):
        if server.poll() is not None or time.monotonic() > deadline_s:
            raise ClusterError(f"the API server is not ready:\n{tail(log)}")
        time.sleep(0.05)


def _answers(opener: urllib.request.OpenerDirector, url: str) -> bool:
    try:
        with opener.open(url, timeout=2) as response:
            return response.status == 200
    except OSError:  # refused, or an HTTP error: not ready yet
        return False
