"""The guard containers: OPA and the sidecar, native sidecars both, and the one that writes TorchServe's configuration.

Everything that the API server would fill in is written out, so that a guarded pod is the same before and after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sidecar.injector import arguments, names
from sidecar.injector.servers.torchserve import IMAGE_USER

if TYPE_CHECKING:
    from sidecar.injector.config import InjectorConfig, Resources
    from sidecar.injector.plan import Plan
    from sidecar.injector.servers.server import ConfigFile
    from sidecar.injector.shape import Container, Mount, Spec
    from sidecar.injector.values import Json

TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
STARTUP_TRIES = 90
"""One a second: bundles may be large, a first image slow."""
TORCHSERVE_FILE = f"{names.TORCHSERVE_FOLDER}/config.properties"
_COPY = """target=$1; source=$2; shift 2
{ cat "$source"; printf '\\n\\n'; printf '%s\\n' "$@"; } > "$target"
"""
"""Two line ends: a backslash at the end of a file would join our first line to its last."""
_COPY_IF_THERE = _COPY.replace('{ cat "$source";', '{ if [ -e "$source" ]; then cat "$source"; fi;')


def guard_containers(plan: Plan, config: InjectorConfig) -> list[Json]:
    """Those that start before the pod's own init containers, in order."""
    sidecar = _sidecar(plan, config)
    return [_opa(config), sidecar] if config.runs_opa else [sidecar]


def _opa(config: InjectorConfig) -> Json:
    health: Json = {"path": "/health", "port": names.OPA_DIAGNOSTIC_PORT, "scheme": "HTTP"}
    return {
        **_hardened(names.OPA, config.opa_image, config),
        "restartPolicy": "Always",
        "args": arguments.of_opa(),
        "resources": _resources(config.resources.opa),
        "volumeMounts": [
            _mount(names.SOCKET_VOLUME, names.SOCKET_FOLDER),
            _mount(names.BUNDLES_VOLUME, names.BUNDLES_FOLDER),
            *_shared_mounts(),
        ],
        # Not `?bundles`: engine and model start without the registry; without rules the sidecar lets nothing pass.
        "startupProbe": _probe(health, period_s=1, failures=STARTUP_TRIES),
        "livenessProbe": _probe(health, period_s=10, failures=3),
    }


def _sidecar(plan: Plan, config: InjectorConfig) -> Json:
    live: Json = {"path": "/health/live", "port": config.admin_port, "scheme": "HTTP"}
    socket = [_mount(names.SOCKET_VOLUME, names.SOCKET_FOLDER)] if config.runs_opa else []
    return {
        **_hardened(names.SIDECAR, config.sidecar_image, config),
        "restartPolicy": "Always",
        "args": arguments.of_sidecar(plan, config),
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}],
        "ports": _ports(plan, config),
        "resources": _resources(config.resources.sidecar),
        "volumeMounts": [*socket, _mount(names.AUDIT_VOLUME, names.AUDIT_FOLDER), *_shared_mounts()],
        # A native sidecar's startup probe holds back the model: live is enough, for ready takes bundles.
        "startupProbe": _probe(live, period_s=1, failures=STARTUP_TRIES),
        "readinessProbe": _probe({**live, "path": "/health/ready"}, period_s=5, failures=3),
        "livenessProbe": _probe(live, period_s=10, failures=3),
    }


def _ports(plan: Plan, config: InjectorConfig) -> list[Json]:
    moved = [cast("Json", {"protocol": "TCP", **port}) for port in plan.ports.moved]
    public: list[Json] = moved or [{"containerPort": plan.ports.doors.public, "protocol": "TCP"}]
    admin: Json = {"containerPort": config.admin_port, "name": names.ADMIN_PORT_NAME, "protocol": "TCP"}
    return [*public, admin]


def torchserve_config(file: ConfigFile, serving: Container, spec: Spec, config: InjectorConfig) -> Json:
    """Writes the server's configuration anew. Its image is the server's: the file may be in it."""
    image = serving.get("image") or ""
    return {
        **_hardened(names.TORCHSERVE_CONFIG, image, config, user=_reader(serving, spec)),
        "command": ["/bin/sh", "-ec", _COPY if file.required else _COPY_IF_THERE],
        "args": [names.TORCHSERVE_CONFIG, TORCHSERVE_FILE, file.path, *file.lines],
        "resources": _resources(config.resources.sidecar),
        "volumeMounts": [
            _mount(names.TORCHSERVE_VOLUME, names.TORCHSERVE_FOLDER),
            *_mounts_of(file.path, serving),
            _mount(names.TORCHSERVE_VOLUME, TOKEN_FOLDER, read_only=True),  # as in `_shared_mounts`
        ],
    }


def _reader(serving: Container, spec: Spec) -> int:
    """Who may read the file: the server's user. Root may not be; TorchServe's images have one of their own."""
    own = (serving.get("securityContext") or {}).get("runAsUser")
    of_pod = (spec.get("securityContext") or {}).get("runAsUser")
    return (of_pod if own is None else own) or IMAGE_USER


def _mounts_of(path: str, serving: Container) -> list[Json]:
    """The mount that the file lies in, if any: the innermost."""
    mounts: list[Mount] = serving.get("volumeMounts") or []
    around = [mount for mount in mounts if path.startswith(mount["mountPath"].rstrip("/") + "/")]
    around += [mount for mount in mounts if mount["mountPath"] == path]
    inner = max(around, key=lambda mount: len(mount["mountPath"]), default=None)
    return [] if inner is None else [{**inner, "readOnly": True}]


def _hardened(name: str, image: str, config: InjectorConfig, *, user: int | None = None) -> Json:
    """What all have in common; `user`: another than the operator's.

    Source: Pod Security Standards, restricted; the rest are Kubernetes' defaults.
    """
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": config.image_pull_policy,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsGroup": config.run_as_user,
            "runAsNonRoot": True,
            "runAsUser": config.run_as_user if user is None else user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _shared_mounts() -> list[Json]:
    return [
        _mount(names.CONFIG_VOLUME, names.CONFIG_FOLDER, read_only=True),
        _mount(names.SECRETS_VOLUME, names.SECRETS_FOLDER, read_only=True),
        _mount(names.TMP_VOLUME, "/tmp"),  # noqa: S108 - the container's own
        # Where something is mounted already, Kubernetes mounts no token of the pod's service account.
        _mount(names.TMP_VOLUME, TOKEN_FOLDER, read_only=True),
    ]


def _mount(volume: str, folder: str, *, read_only: bool = False) -> Json:
    mount: Json = {"name": volume, "mountPath": folder}
    return {**mount, "readOnly": True} if read_only else mount


def _probe(get: Json, *, period_s: int, failures: int) -> Json:
    times = {"timeoutSeconds": 3, "periodSeconds": period_s, "successThreshold": 1, "failureThreshold": failures}
    return {"httpGet": dict(get), **times}


def _resources(resources: Resources) -> Json:
    """Without what is empty, as the API server writes it."""
    return {name: amounts for name, amounts in resources.model_dump().items() if amounts}
