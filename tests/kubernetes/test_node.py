"""The node of the test cluster does with pods what a kubelet does, as far as tests of the product rely on it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.certificates import self_signed
from tests.kubernetes.load import Load
from tests.kubernetes.manifests import HARDENED, deployment, http, pod, program, service, web, webhook
from tests.kubernetes.programs import CommandFailed
from tests.process import fetch, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kubernetes.cluster import Cluster

pytestmark = pytest.mark.heavy
SOCKET = "/run/policy/engine.sock"
MOUNTED_SOCKET = {"name": "socket", "mountPath": "/run/policy"}
TOKENS = "/var/run/tokens"
HOOK = """
import json, time
print(json.dumps({{"at_s": time.monotonic(), "event": "{event}"}}), file=open({file}, "a"))
"""


ASK = """
from urllib.request import urlopen
for folder in ("/kept", "/own"):
    open(f"{folder}/got", "wb").write(urlopen("http://named:8080").read())
"""
READ = """
import os
print(open("/kept/inside/got").read(), os.listdir("/own"))
raise SystemExit(3)
"""


def await_ready(cluster: Cluster, name: str, namespace: str) -> str:
    """The address of a pod that is ready."""
    cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", f"--namespace={namespace}", "--timeout=30s")
    return cluster.get("pod", name, namespace=namespace)["status"]["podIP"]


def events(cluster: Cluster, name: str, *containers: str, namespace: str) -> list[tuple[str, str]]:
    """What the containers of a pod told, in the order of time: container and event."""
    told = [
        (each["at_s"], container, each["event"])
        for container in containers
        for each in map(json.loads, cluster.log(name, container, namespace).splitlines())
    ]
    return [(container, event) for _, container, event in sorted(told)]


@pytest.fixture(scope="module")
def facts(cluster: Cluster) -> dict[str, Any]:
    """What the second sidecar of a hardened pod sees, which looks as guarded pods do."""
    namespace = cluster.new_namespace("facts", {"pod-security.kubernetes.io/enforce": "restricted"})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"subject.key": "ten"}}
    token = {"path": "token", "audience": "registry", "expirationSeconds": 600}
    annotation = {"path": "note.txt", "fieldRef": {"fieldPath": "metadata.annotations['example.org/note']"}}
    volumes = [
        {"name": "socket", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "config", "downwardAPI": {"items": [annotation]}},
        {"name": "keys", "secret": {"secretName": "keys"}},
        {"name": "tokens", "projected": {"sources": [{"serviceAccountToken": token}]}},
    ]
    mounts = [MOUNTED_SOCKET]
    mounts += [{"name": name, "mountPath": f"/etc/{name}"} for name in ("config", "keys")]
    mounts += [{"name": "tokens", "mountPath": TOKENS}]
    files = ("/etc/config/note.txt", "/etc/keys/subject.key", f"{TOKENS}/token")
    flags = [*(f"--read={file}" for file in files), *(f"--write={folder}" for folder in ("/", "/tmp", "/run/policy"))]
    common = {"restartPolicy": "Always", "securityContext": HARDENED}
    socket_probe = {"exec": {"command": ["test", "-S", SOCKET]}, "periodSeconds": 1}
    engine = web("engine", listen=SOCKET, volumeMounts=[MOUNTED_SOCKET], startupProbe=socket_probe, **common)
    front = web("front", f"--peer={SOCKET}", "--env=POD_IP", *flags, volumeMounts=mounts, startupProbe=http(), **common)
    model = web("model", listen="127.0.0.1:8080", securityContext=HARDENED)
    context = {"fsGroup": 2000}
    whole = pod("hardened", model, initContainers=[engine, front], volumes=volumes, securityContext=context)
    whole["metadata"]["annotations"] = {"example.org/note": "three words here"}
    cluster.apply([secret, whole], namespace)
    address = await_ready(cluster, "hardened", namespace)
    return {"address": address, "seen": fetch(f"http://{address}:8080/facts").json}


def test_a_container_runs_as_its_spec_says(facts: dict[str, Any]) -> None:
    files = facts["seen"].pop("files")
    assert facts["seen"] == {
        "user": [65532, 65532, 2000],
        "capabilities": [0, 0, 0],
        "no_new_privileges": True,
        "seccomp": True,
        "writable": ["/run/policy"],
        "env": {"POD_IP": facts["address"]},
        "peer": "HTTP/1.0 200 OK",
        "hostname": "hardened",
    }
    token = files.pop(f"{TOKENS}/token").split(".")[1]
    assert files == {"/etc/config/note.txt": "three words here", "/etc/keys/subject.key": "ten"}
    assert json.loads(base64.urlsafe_b64decode(token + "=="))["aud"] == ["registry"]


def test_containers_start_and_stop_in_order(cluster: Cluster) -> None:
    namespace = cluster.new_namespace("order")
    first = program("first", HOOK.format(file=1, event="ran"))
    a, b = (
        web(name, listen=f"$(POD_IP):{port}", startupProbe=http(port=port), restartPolicy="Always")
        for name, port in (("a", 8081), ("b", 8082))
    )
    hook = {"exec": {"command": ["python", "-c", HOOK.format(file="'/proc/1/fd/1'", event="hook")]}}
    model = web("model", readinessProbe=http(), lifecycle={"preStop": hook})
    cluster.apply([pod("ordered", model, initContainers=[first, a, b])], namespace)
    await_ready(cluster, "ordered", namespace)
    cluster.kubectl("delete", "pod", "ordered", f"--namespace={namespace}")
    assert events(cluster, "ordered", "first", "a", "b", "model", namespace=namespace) == [
        ("first", "ran"),
        *((name, "started") for name in ("a", "b", "model")),
        ("model", "hook"),
        *((name, event) for name in ("model", "b", "a") for event in ("told to end", "ended")),
    ]


def test_a_failed_liveness_probe_restarts_the_container(cluster: Cluster) -> None:
    namespace = cluster.new_namespace("liveness")
    cluster.apply([pod("live", web("web", readinessProbe=http(), livenessProbe=http(failureThreshold=2)))], namespace)
    address = await_ready(cluster, "live", namespace)
    fetch(f"http://{address}:8080/break", b"")
    restarted = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
    cluster.kubectl("wait", restarted, "pod/live", f"--namespace={namespace}", "--timeout=20s")
    await_ready(cluster, "live", namespace)
    [status] = cluster.get("pod", "live", namespace=namespace)["status"]["containerStatuses"]
    assert [status["ready"], status["started"], status["restartCount"]] == [True, True, 1]
    assert status["lastState"]["terminated"]["reason"] == "Completed"
    told = events(cluster, "live", "web", namespace=namespace)
    assert told == [("web", event) for event in ("started", "told to end", "ended", "started")]


def test_a_rollout_under_load_loses_no_request(cluster: Cluster) -> None:
    namespace = cluster.new_namespace("rollout")
    container = web("web", readinessProbe=http(), lifecycle={"preStop": {"sleep": {"seconds": 2}}})
    cluster.apply([deployment("web", container, replicas=2), service("web", 80, 8080)], namespace)
    where = f"--namespace={namespace}"
    cluster.kubectl("rollout", "status", "deployment/web", where, "--timeout=30s")
    before = set(pods_of(cluster, namespace))
    load = Load(cluster, namespace)
    with load:
        wait_until(lambda: load.served > 10)
        cluster.kubectl("rollout", "restart", "deployment/web", where)
        cluster.kubectl("rollout", "status", "deployment/web", where, "--timeout=30s")
        served = load.served
        wait_until(lambda: load.served > served + 10)
    after = set(pods_of(cluster, namespace))
    assert [load.failures, len(after), before & after] == [[], 2, set()]
    assert load.hosts >= before | after


def test_services_have_names_claims_last_and_pods_complete(cluster: Cluster) -> None:
    namespace = cluster.new_namespace("batch")
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    kept = {"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}}
    own = {"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}
    once = {"restartPolicy": "Never", "volumes": [kept, own]}
    own_mount = {"name": "own", "mountPath": "/own"}
    ask_mounts = [{"name": "kept", "mountPath": "/kept", "subPath": "inside"}, own_mount]
    read_mounts = [{"name": "kept", "mountPath": "/kept"}, own_mount]
    cluster.apply(
        [
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "kept"}, "spec": claim},
            pod("named", web("web", readinessProbe=http())),
            service("named", 8080, 8080),
        ],
        namespace,
    )
    await_ready(cluster, "named", namespace)
    cluster.apply([pod("asks", program("asks", ASK, volumeMounts=ask_mounts), **once)], namespace)
    await_phase(cluster, "asks", "Succeeded", namespace)
    cluster.apply([pod("reads", program("reads", READ, volumeMounts=read_mounts), **once)], namespace)
    await_phase(cluster, "reads", "Failed", namespace)
    assert cluster.log("reads", "reads", namespace) == '{"host": "named"} []\n'


def test_a_changed_secret_reaches_the_pod(cluster: Cluster) -> None:
    namespace = cluster.new_namespace("secret")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"key": "old"}}
    mounts = [{"name": "keys", "mountPath": "/keys"}]
    copy = {"postStart": {"exec": {"command": ["cp", "/keys/key", "/tmp/at-start"]}}}
    flags = ("--read=/keys/key", "--read=/tmp/at-start")
    reader = web("web", *flags, readinessProbe=http(), lifecycle=copy, volumeMounts=mounts)
    cluster.apply([pod("reader", reader, volumes=[{"name": "keys", "secret": {"secretName": "keys"}}])], namespace)
    waiting = "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ContainerCreating"
    cluster.kubectl("wait", waiting, "pod/reader", f"--namespace={namespace}", "--timeout=10s")
    cluster.apply([secret], namespace)
    url = f"http://{await_ready(cluster, 'reader', namespace)}:8080/facts"
    assert fetch(url).json["files"] == {"/keys/key": "old", "/tmp/at-start": "old"}
    cluster.apply([{**secret, "stringData": {"key": "new"}}], namespace)
    wait_until(lambda: fetch(url).json["files"] == {"/keys/key": "new", "/tmp/at-start": "old"})


def test_a_webhook_can_be_served_by_a_pod(cluster: Cluster, tmp_path: Path) -> None:
    namespace = cluster.new_namespace("webhook")
    cert_file, key_file = self_signed(tmp_path, f"hook.{namespace}.svc")
    files = {"tls.crt": cert_file.read_text(), "tls.key": key_file.read_text()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"}, "stringData": files}
    mounts = [{"name": "tls", "mountPath": "/tls"}]
    probe = {"httpGet": {"path": "/health", "port": 8443, "scheme": "HTTPS"}, "periodSeconds": 1}
    hook = web("web", "--certificate=/tls", listen="0.0.0.0:8443", volumeMounts=mounts, readinessProbe=probe)
    volumes = [{"name": "tls", "secret": {"secretName": "tls"}}]
    cluster.apply([secret, pod("hook", hook, volumes=volumes), service("hook", 443, 8443)], namespace)
    await_ready(cluster, "hook", namespace)
    cluster.apply([webhook(namespace, cert_file.read_bytes())])
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "judged"}}

    def refused() -> str:
        with pytest.raises(CommandFailed) as refusal:
            cluster.apply([config], namespace)
        return refusal.value.stderr

    wait_until(
        lambda: refused().endswith('admission webhook "hook.example.org" denied the request: refused by a pod\n')
    )


def pods_of(cluster: Cluster, namespace: str) -> list[str]:
    """Names of those that are not about to go."""
    items = cluster.get("pods", namespace=namespace)
    return [each["metadata"]["name"] for each in items if "deletionTimestamp" not in each["metadata"]]


def await_phase(cluster: Cluster, name: str, phase: str, namespace: str) -> None:
    ended = f"--for=jsonpath={{.status.phase}}={phase}"
    cluster.kubectl("wait", ended, f"pod/{name}", f"--namespace={namespace}", "--timeout=20s")
