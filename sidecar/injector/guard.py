"""A pod in, the guarded pod out: undo what an earlier guard did, decide, and do it.

shape      is this JSON a pod, as far as we touch it?
state      take out and put back what an earlier guard did
plan       all decisions, or all problems
here       containers, volumes, label and annotations go in; the serving container is bound to loopback
settling   what was there already stays in the form that it had
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sidecar.injector import names
from sidecar.injector.containers import TORCHSERVE_FILE, guard_containers, torchserve_config
from sidecar.injector.editing import Editor
from sidecar.injector.plan import plan_for
from sidecar.injector.servers.torchserve import CONFIG_VARIABLE
from sidecar.injector.settling import settle
from sidecar.injector.shape import annotations_of, init_containers_of, shaped
from sidecar.injector.state import restore, written
from sidecar.injector.values import Guarded, Json, PodRefused
from sidecar.injector.volumes import guard_volumes

if TYPE_CHECKING:
    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.plan import Plan
    from sidecar.injector.shape import Pod
    from sidecar.injector.state import Place

ANNOTATIONS_LIMIT_BYTES = 256 << 10
"""Of all a pod's annotations together, by the API server."""


def guard(pod: Json, config: InjectorConfig, *, namespace: str, registry_ca: str | None) -> Guarded:
    """The pod with sidecar and engine, and the ways past them closed. Idempotent; `pod` stays as it is.

    An exempt pod comes back as it is: who may exempt is the admission policy's to say. Raises `PodRefused`.
    """
    original = shaped(pod)
    reason = annotations_of(original).get(names.EXEMPT)
    if reason is not None:
        return _exempt(original, reason)
    bare = restore(original)
    plan = plan_for(bare, config)
    secret = f"Secret {config.secret} of namespace {namespace} has the guard's keys"
    explanation = (*plan.explanation, secret)
    editor = Editor(cast("Json", bare))
    _close(editor, plan)
    _add(bare, plan, config, with_registry_ca=registry_ca is not None)
    _annotate(editor, plan, config, explanation, registry_ca)
    settle(cast("Json", original), editor.pod, editor.state)
    return Guarded(editor.pod, explanation)


def _exempt(pod: Pod, reason: str) -> Guarded:
    if not reason.strip():
        raise PodRefused([f"annotation {names.EXEMPT} has no reason; write why the pod needs no guard, or remove it"])
    return Guarded(cast("Json", pod), (f"exempt: {reason[:200]}",))


def _close(editor: Editor, plan: Plan) -> None:
    """The serving container: bound, its ports given up, its end put off. Probes of all containers."""
    name = plan.serving.name
    binding = plan.binding
    editor.append(("containers", name, "args"), plan.args)
    variables = dict(binding.variables)
    if binding.config_file is not None:
        variables[CONFIG_VARIABLE] = TORCHSERVE_FILE
        mount = {"name": names.TORCHSERVE_VOLUME, "mountPath": names.TORCHSERVE_FOLDER, "readOnly": True}
        editor.append(("containers", name, "volumeMounts"), [mount])
    entries = [{"name": variable, "value": value} for variable, value in variables.items()]
    editor.put_first(("containers", name, "env"), entries, lambda entry: entry["name"] in variables)
    gone = [*plan.ports.moved, *plan.ports.closed]
    editor.put_first(("containers", name, "ports"), (), lambda entry: entry in gone)
    for probe in plan.probes:
        editor.put(_place(editor.pod, probe.container, probe.field), probe.probe)
    if plan.shutdown.hook is not None:
        editor.put(("containers", name, "lifecycle", "preStop"), plan.shutdown.hook)
    editor.put(("spec", "terminationGracePeriodSeconds"), plan.shutdown.grace_s)


def _place(pod: Json, container: str, field: str) -> Place:
    spec = cast("dict[str, list[Json] | None]", pod["spec"])
    is_plain = any(one["name"] == container for one in spec.get("containers") or [])
    return cast("Place", ("containers" if is_plain else "initContainers", container, field))


def _add(bare: Pod, plan: Plan, config: InjectorConfig, *, with_registry_ca: bool) -> None:
    """What is ours, known by its names, so that no editor needs to remember it."""
    spec = cast("Json", bare["spec"])
    own = cast("list[Json]", init_containers_of(bare))
    last = []
    if plan.binding.config_file is not None:
        last = [torchserve_config(plan.binding.config_file, plan.serving.container, bare["spec"], config)]
    spec["initContainers"] = [*guard_containers(plan, config), *own, *last]
    volumes = guard_volumes(plan, config, with_registry_ca=with_registry_ca)
    spec["volumes"] = [*cast("list[Json]", spec.get("volumes") or []), *volumes]


def _annotate(
    editor: Editor, plan: Plan, config: InjectorConfig, explanation: tuple[str, ...], registry_ca: str | None
) -> None:
    metadata = cast("Json", editor.pod.get("metadata") or {})
    annotations = cast("dict[str, str]", metadata.get("annotations") or {})
    annotations[names.EXPLANATION] = "\n".join(explanation)
    annotations[names.STATE] = written(editor.state)
    if config.opa_config is not None:
        annotations[names.OPA_CONFIG] = config.opa_config
    if registry_ca is not None:
        annotations[names.REGISTRY_CA] = registry_ca
    metadata["labels"] = {**cast("Json", metadata.get("labels") or {}), names.LABEL_GUARDED: "true"}
    metadata["annotations"] = annotations
    editor.pod["metadata"] = metadata
    size_bytes = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size_bytes > ANNOTATIONS_LIMIT_BYTES:
        problem = (
            f"annotations would take {size_bytes} bytes, of {ANNOTATIONS_LIMIT_BYTES} at most; shorten the pod's own, "
            f"or the environment and probes of container {plan.serving.name}"
        )
        raise PodRefused([problem])
