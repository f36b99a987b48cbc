"""The command lines of the guard containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson

from sidecar.injector import names
from sidecar.injector.quantities import amount
from sidecar.injector.servers.server import LOOPBACK

if TYPE_CHECKING:
    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.plan import Plan

KEPT_SHARE = 0.75
"""Of the audit volume, for records; the rest for what is written meanwhile: a full emptyDir would evict the pod."""


def of_opa() -> list[str]:
    """OPA answers the sidecar on a socket that nobody else has, and the kubelet on a port of health and metrics."""
    return [
        "run",
        "--server",
        f"--addr={names.OPA_SOCKET}",
        f"--diagnostic-addr=0.0.0.0:{names.OPA_DIAGNOSTIC_PORT}",
        f"--config-file={names.OPA_FILE}",
        f"--set=persistence_directory={names.BUNDLES_FOLDER}",
        "--disable-telemetry",
        "--log-level=error",
    ]


def of_sidecar(plan: Plan, config: InjectorConfig) -> list[str]:
    """What follows from the pod, then the operator's settings."""
    doors = plan.ports.doors
    return [
        "run",
        f"--upstream=http://{LOOPBACK}:{doors.upstream}",
        f"--server={plan.serving.server.kind}",
        # Brackets serve both families of addresses.
        f"--listen=[$(POD_IP)]:{doors.public}",
        f"--admin=0.0.0.0:{config.admin_port}",
        *_engine(config),
        f"--audit-dir={names.AUDIT_FOLDER}/audit",
        f"--subject-key={names.SECRETS_FOLDER}/subject.key",
        *_probes(plan),
        f"--self-check={'strict' if plan.serving.server.on_loopback else 'warn'}",
        "--self-check-host=$(POD_IP)",
        f"--self-check-ports={','.join(map(str, plan.ports.checked))}",
        f"--keep-alive-time={config.keep_alive_time_s}",
        f"--upstream-timeout-s={plan.upstream_timeout_s}",
        *([flag("default_model", plan.asked.default_model)] if plan.asked.default_model else []),
        *(flag(name, value) for name, value in sorted(_settings(plan, config).items())),
    ]


def _engine(config: InjectorConfig) -> list[str]:
    opa = [f"--opa={names.OPA_SOCKET}"] if config.runs_opa else []
    if config.engine == "opa":
        return ["--engine=opa", *opa]
    if config.opa_config is None:
        return ["--engine=embedded", f"--data={names.SECRETS_FOLDER}/data.json"]
    return ["--engine=embedded", f"--bundles={names.OPA_FILE}", *opa]


def _probes(plan: Plan) -> list[str]:
    performed = {probe.name: probe.performed for probe in plan.probes}
    if not performed:
        return []
    return [f"--probes={literal(orjson.dumps(performed, option=orjson.OPT_SORT_KEYS).decode())}"]


def _settings(plan: Plan, config: InjectorConfig) -> dict[str, object]:
    defaults = {"audit_keep_bytes": int(amount(config.audit_volume.size) * KEPT_SHARE)}
    return {**defaults, **config.settings, "mode": plan.mode, "metadata": plan.metadata}


def flag(name: str, value: object) -> str:
    """A setting as an argument of `sidecar run`: `audit_keep`, `12h` is `--audit-keep=12h`."""
    text = ",".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)
    return f"--{name.replace('_', '-')}={literal(text)}"


def literal(text: str) -> str:
    """Text that the kubelet passes on as it is: it would put variables in place of `$(NAME)`, and takes `$$` for `$`.

    Source: Kubernetes API reference, Container, `args`.
    """
    return text.replace("$", "$$")
