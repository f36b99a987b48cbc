"""Ways to weaken the guard in a pod's manifest, each with what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.helm.charts import Json

DOMAIN = "model-policy-sidecar.io"


def of(pod: Json, name: str) -> Json:
    """A guard's container of a pod."""
    (found,) = (each for each in pod["spec"]["initContainers"] if each["name"] == name)
    return found


def volume(pod: Json, name: str) -> Json:
    (found,) = (each for each in pod["spec"]["volumes"] if each["name"] == name)
    return found


def replaced(container: Json, before: str, after: str) -> None:
    assert before in container["args"]
    container["args"] = [after if word == before else word for word in container["args"]]


SIDECAR, OPA = "policy-sidecar", "policy-opa"
ALTERATIONS: dict[str, tuple[Callable[[Json], object], str]] = {
    "another image": (lambda pod: of(pod, SIDECAR).update(image="mine:1"), "operator's images"),
    "another image of OPA": (lambda pod: of(pod, OPA).update(image="mine:1"), "operator's images"),
    "plain init containers": (
        lambda pod: [
            of(pod, name).pop(member)
            for name in (SIDECAR, OPA)
            for member in ("restartPolicy", "startupProbe", "readinessProbe", "livenessProbe")
            if member in of(pod, name)
        ],
        "native sidecars",
    ),
    "no OPA": (lambda pod: pod["spec"]["initContainers"].remove(of(pod, OPA)), "this pod must be guarded"),
    "no label": (lambda pod: pod["metadata"]["labels"].clear(), "this pod must be guarded"),
    "a command": (lambda pod: of(pod, SIDECAR).update(command=["sleep"]), "run nothing else"),
    "a working directory": (lambda pod: of(pod, SIDECAR).update(workingDir="/models"), "run nothing else"),
    "a hook": (
        lambda pod: of(pod, SIDECAR).update(lifecycle={"postStart": {"exec": {"command": ["sh"]}}}),
        "run nothing else",
    ),
    "a probe by exec": (
        lambda pod: of(pod, OPA).update(livenessProbe={"exec": {"command": ["sh"]}}),
        "run nothing else",
    ),
    "a variable": (
        lambda pod: of(pod, SIDECAR)["env"].append({"name": "SIDECAR_MODE", "value": "shadow"}),
        "no environment but the pod's address",
    ),
    "another address": (
        lambda pod: of(pod, SIDECAR).update(env=[{"name": "POD_IP", "value": "127.0.0.1"}]),
        "no environment but the pod's address",
    ),
    "variables of a Secret": (
        lambda pod: of(pod, OPA).update(envFrom=[{"secretRef": {"name": "mine"}}]),
        "no environment but the pod's address",
    ),
    "shadow mode": (
        lambda pod: replaced(of(pod, SIDECAR), "--mode=enforce", "--mode=shadow"),
        "not those that the operator configured",
    ),
    "metadata": (
        lambda pod: replaced(of(pod, SIDECAR), "--metadata=deny", "--metadata=allow"),
        "not those that the operator configured",
    ),
    "no consent": (
        lambda pod: of(pod, SIDECAR)["args"].append("--consent=off"),
        "not those that the operator configured",
    ),
    "no self-check": (
        lambda pod: replaced(of(pod, SIDECAR), "--self-check=strict", "--self-check=off"),
        "not those that the operator configured",
    ),
    "another issuer": (
        lambda pod: of(pod, SIDECAR)["args"].append("--consent-issuer=https://mine.example"),
        "not those that the operator configured",
    ),
    "two words": (
        lambda pod: of(pod, SIDECAR)["args"].extend(["--mode", "shadow"]),
        "not those that the operator configured",
    ),
    "a setting less": (
        lambda pod: of(pod, SIDECAR)["args"].remove("--consent-audience=models"),
        "not those that the operator configured",
    ),
    "another verb": (lambda pod: of(pod, SIDECAR).update(args=["version"]), "not those that the operator configured"),
    "a verb before": (
        lambda pod: of(pod, SIDECAR)["args"].insert(0, "demo"),
        "not those that the operator configured",
    ),
    "another upstream": (
        lambda pod: replaced(of(pod, SIDECAR), "--upstream=http://127.0.0.1:8000", "--upstream=http://10.0.0.1:80"),
        "not those that the operator configured",
    ),
    "OPA's rules in a file": (
        lambda pod: of(pod, OPA)["args"].append("/models/mine.rego"),
        "OPA's arguments are not those",
    ),
    "OPA's configuration": (
        lambda pod: pod["metadata"]["annotations"].update({f"{DOMAIN}/opa-config": "services: {}"}),
        "OPA's configuration is not the operator's",
    ),
    "OPA's configuration from a ConfigMap": (
        lambda pod: (
            volume(pod, "policy-config").pop("downwardAPI"),
            volume(pod, "policy-config").update(configMap={"name": "m"}),
        ),
        "the guard's volumes are not what they must be",
    ),
    "OPA's configuration from another annotation": (
        lambda pod: volume(pod, "policy-config")["downwardAPI"]["items"][0]["fieldRef"].update(
            fieldPath="metadata.annotations['mine']"
        ),
        "the guard's volumes are not what they must be",
    ),
    "a socket on the node": (
        lambda pod: (
            volume(pod, "policy-socket").pop("emptyDir"),
            volume(pod, "policy-socket").update(hostPath={"path": "/tmp"}),
        ),
        "the guard's volumes are not what they must be",
    ),
    "another Secret": (
        lambda pod: volume(pod, "policy-secrets")["secret"].update(secretName="mine"),
        "the guard's volumes are not what they must be",
    ),
    "a mount over the guard's code": (
        lambda pod: (
            pod["spec"]["volumes"].append({"name": "mine", "emptyDir": {}}),
            of(pod, SIDECAR)["volumeMounts"].append({"name": "mine", "mountPath": "/usr"}),
        ),
        "mount what is not theirs",
    ),
    "the socket in the model's container": (
        lambda pod: pod["spec"]["containers"][0].update(volumeMounts=[{"name": "policy-socket", "mountPath": "/s"}]),
        "another container mounts a volume of the guard's",
    ),
    "the Secret in a container beside": (
        lambda pod: pod["spec"]["containers"].append(
            {"name": "b", "image": "b", "volumeMounts": [{"name": "policy-secrets", "mountPath": "/s"}]}
        ),
        "another container mounts a volume of the guard's",
    ),
    "the node's network": (lambda pod: pod["spec"].update(hostNetwork=True), "network and processes of its own"),
    "the node's processes": (lambda pod: pod["spec"].update(hostPID=True), "network and processes of its own"),
    "the node's shared memory": (lambda pod: pod["spec"].update(hostIPC=True), "network and processes of its own"),
    "one process namespace": (
        lambda pod: pod["spec"].update(shareProcessNamespace=True),
        "network and processes of its own",
    ),
    "privileges": (
        lambda pod: pod["spec"]["containers"][0].update(securityContext={"privileged": True}),
        "no container of a guarded pod is privileged",
    ),
    "a capability": (
        lambda pod: pod["spec"]["containers"][0].update(securityContext={"capabilities": {"add": ["NET_ADMIN"]}}),
        "no container of a guarded pod is privileged",
    ),
}
