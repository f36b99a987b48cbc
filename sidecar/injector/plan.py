"""All that is decided about one pod before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.injector import fitness, neighbours
from sidecar.injector.asked import read_asked
from sidecar.injector.find import find
from sidecar.injector.ports import plan_ports
from sidecar.injector.probes import rewritten
from sidecar.injector.shape import PROBLEMS_LIMIT, annotations_of
from sidecar.injector.shutdown import plan_shutdown
from sidecar.injector.values import PodRefused

if TYPE_CHECKING:
    from sidecar.injector.asked import Asked
    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.find import Serving
    from sidecar.injector.ports import Ports
    from sidecar.injector.probes import Rewritten
    from sidecar.injector.servers.server import Binding
    from sidecar.injector.shape import Pod
    from sidecar.injector.shutdown import Shutdown


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a pod, and what its explanation says."""

    serving: Serving
    asked: Asked
    ports: Ports
    binding: Binding
    args: tuple[str, ...]
    """Of the binding, those that the container does not have yet."""
    probes: tuple[Rewritten, ...]
    shutdown: Shutdown
    upstream_timeout_s: int
    mode: str
    metadata: str

    @property
    def explanation(self) -> tuple[str, ...]:
        """Every decision, one a line."""
        return (
            *self.serving.explained,
            *self.ports.explained,
            *self.binding.explained,
            *(f"the sidecar performs the {probe.name} probe" for probe in self.probes),
            self.shutdown.explained,
            f"mode {self.mode}, metadata endpoints {self.metadata}, a request may take {self.upstream_timeout_s} s",
        )


def plan_for(pod: Pod, config: InjectorConfig) -> Plan:
    """The plan for a pod that is not guarded yet. Raises `PodRefused` with all that stands against it."""
    problems = fitness.of_pod(pod)
    asked = read_asked(annotations_of(pod), config, problems)
    serving = find(pod, asked, problems)
    ports = plan_ports(pod, serving, asked, config, problems) if serving else None
    if serving is None or ports is None:
        raise _refused(problems)
    problems += fitness.of_ports(pod, serving, ports, config) + neighbours.callers(pod, serving, ports)
    binding = serving.server.bind(serving.command, ports.doors)
    problems += binding.problems
    args = _args(serving, binding, problems)
    probes = rewritten(pod, serving, ports, config, problems)
    if problems:
        raise _refused(problems)
    timeout_s = asked.upstream_timeout_s or config.upstream_timeout_s
    return Plan(
        serving=serving,
        asked=asked,
        ports=ports,
        binding=binding,
        args=args,
        probes=probes,
        shutdown=plan_shutdown(serving.container, pod["spec"], config, timeout_s),
        upstream_timeout_s=timeout_s,
        mode=asked.mode or config.mode,
        metadata=asked.metadata or config.metadata,
    )


def _refused(problems: list[str]) -> PodRefused:
    more = len(problems) - PROBLEMS_LIMIT
    return PodRefused([*problems[:PROBLEMS_LIMIT], *([f"and {more} more"] if more > 0 else [])])


def _args(serving: Serving, binding: Binding, problems: list[str]) -> tuple[str, ...]:
    """Flags that can be put behind the container's own, where it is the server that gets them."""
    command, flags = serving.command, " ".join(binding.args)
    if not binding.args:
        return ()
    if command.is_shell:
        if all(map(command.says, binding.args)):
            return ()
        problems.append(
            f"container {serving.name} starts its server by a shell's script, to which no flags can be added; write "
            f"command and args as lists of words, or add to the script: {flags}"
        )
    elif "--" in command.given:
        problems.append(f"container {serving.name} ends its flags with --; remove that, so that {flags} can follow")
    elif not command.given and not _takes_args(serving):
        problems.append(
            f"container {serving.name} has neither command nor args; write args, so that {flags} can follow"
        )
    return binding.args


def _takes_args(serving: Serving) -> bool:
    pattern = serving.server.takes_args
    return pattern is not None and bool(pattern.search(serving.command.image))
