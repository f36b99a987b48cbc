"""From settings to parts; all that stands in the way of a start is told at once."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.injector.certificates.store import StoreFailed
from sidecar.injector.certificates.upkeep import Names, Upkeep, service_names
from sidecar.injector.config import ConfigInvalid, InjectorConfig
from sidecar.injector.serving.certificates import INJECTOR, REGISTRY, FileCertificates, OwnCertificates, utc_now
from sidecar.injector.serving.followed import ContentInvalid, Followed
from sidecar.serving import bind_port
from sidecar.tls_files import TlsFilesInvalid

if TYPE_CHECKING:
    import socket
    from contextlib import ExitStack

    from sidecar.injector.serving.certificates import Certificates
    from sidecar.injector.serving.settings import InjectorSettings
    from sidecar.model.clock import Clock


class StartProblems(Exception):
    """What an operator must mend before the injector can serve. Exit code 2."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Prepared:
    """The parts that come out of files and settings."""

    config: Followed[InjectorConfig]
    certificates: Certificates
    webhooks: socket.socket
    admin: socket.socket


def prepare(settings: InjectorSettings, stack: ExitStack, clock: Clock) -> Prepared:
    """All parts, closed with `stack`; raises `StartProblems` with what is wrong with each. It blocks."""
    problems: list[str] = []
    config = _config(settings.config, clock, problems)
    webhooks = bind_port("--listen", settings.listen.host, settings.listen.port, stack, problems)
    admin = bind_port("--admin", settings.admin.host, settings.admin.port, stack, problems)
    certificates = _certificates(settings, stack, clock, problems)
    if problems or config is None or webhooks is None or admin is None or certificates is None:
        raise StartProblems(problems)
    return Prepared(config, certificates, webhooks, admin)


def read_config(path: Path) -> InjectorConfig:
    """Raises `ContentInvalid`."""
    try:
        return InjectorConfig.load(path)
    except ConfigInvalid as invalid:
        raise ContentInvalid(invalid.problems) from None


def _config(path: Path, clock: Clock, problems: list[str]) -> Followed[InjectorConfig] | None:
    try:
        return Followed(path, read_config, clock)
    except ContentInvalid as invalid:
        problems.extend(f"--config: {problem}" for problem in invalid.problems)
    return None


def _certificates(
    settings: InjectorSettings, stack: ExitStack, clock: Clock, problems: list[str]
) -> Certificates | None:
    try:
        if settings.certificate_dir is not None:
            return FileCertificates(settings.certificate_dir, clock)
        # Last, for it writes Secrets, and only where all else is well.
        return None if problems else _own(settings, stack, clock)
    except TlsFilesInvalid as invalid:
        problems.append(f"--certificate-dir: {invalid}")
    except ContentInvalid as invalid:
        problems.extend(f"--certificate-dir: {problem}" for problem in invalid.problems)
    except StoreFailed as failed:
        problems.append(f"--certificates self-managed: {failed}")
    return None


def _own(settings: InjectorSettings, stack: ExitStack, clock: Clock) -> Certificates:
    from sidecar.injector.certificates.kubernetes_store import KubernetesStore  # noqa: PLC0415 - not for files

    namespace, names = settings.namespace or "", Names(settings.name or "")
    secrets, leaves = {INJECTOR: names.injector}, {names.injector: service_names(settings.service or "", namespace)}
    if settings.registry_service is not None:
        secrets[REGISTRY] = names.registry
        # People and pipelines reach it by `kubectl port-forward`, too.
        leaves[names.registry] = (*service_names(settings.registry_service, namespace), "localhost")
    store = KubernetesStore(namespace, names.release)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="model-policy-injector-")))
    upkeep = Upkeep(store, names, leaves, lambda: utc_now(clock))
    return OwnCertificates(upkeep, store, secrets, folder, clock)
