"""What the admin port shows of all workers: each is asked on its own socket, and asked anew for each look."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import orjson
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from sidecar.app.workers.channel import Kind
from sidecar.app.workers.pages import OPEN_METRICS, merged
from sidecar.telemetry import metrics as names

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from sidecar.app.workers.process import Worker

OF_ONE = ("audit", "self_check")
"""Of a worker's `/status`, what is not the same in all of them: to be found under `workers` alone."""


class PodViews:
    """See `admin.app.Views`."""

    def __init__(
        self, workers: Sequence[Worker], audit_dir: str, probes: Mapping[str, Callable[[], Awaitable[str | None]]]
    ) -> None:
        """`probes` are made by the supervisor itself."""
        self.probes = probes
        self.stopping = False
        self._workers = workers
        self._audit_dir = audit_dir

    async def stuck(self) -> Sequence[str]:
        """See Views: a worker that serves, and does not answer. One that is dead is started again anyway."""
        serving = [worker for worker in self._workers if Kind.SERVING in worker.words]
        answers = await asyncio.gather(*(worker.ask("/health/live") for worker in serving))
        return [
            f"worker {worker.slot} does not answer"
            for worker, answer in zip(serving, answers, strict=True)
            if answer is None and Kind.SERVING in worker.words  # it may have ended meanwhile
        ]

    async def unready(self) -> Sequence[str]:
        """See Views: ready when all workers are."""
        answers = await self._asked("/health/ready")
        reasons = ["stopping"] if self.stopping else []
        for worker, answer in zip(self._workers, answers, strict=True):
            why = ["it does not answer"] if answer is None else cast("list[str]", _json(answer)["reasons"])
            reasons += [f"worker {worker.slot}: {reason}" for reason in why]
        return reasons

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """See Views: every sample has a label `worker`."""
        answers = await self._asked("/metrics", OPEN_METRICS)
        pages = {
            str(worker.slot): answer.decode()
            for worker, answer in zip(self._workers, answers, strict=True)
            if answer is not None
        }
        return await asyncio.to_thread(merged, pages, list(self._own(pages)), accept)

    async def status(self) -> Mapping[str, object]:
        """See Views: what is the same in all workers, as the first that answers says it, and each one's own."""
        reasons = await self.unready()
        answers = await self._asked("/status")
        told = [None if answer is None else _json(answer) for answer in answers]
        first = next(iter(filter(None, told)), cast("dict[str, Any]", {}))
        return {
            **{name: value for name, value in first.items() if name not in OF_ONE},
            "ready": not reasons,
            "unready_because": reasons,
            "audit": {"dir": self._audit_dir},
            "workers": [
                {
                    "worker": worker.slot,
                    "pid": worker.pid,
                    "resident_memory_bytes": worker.memory_bytes,
                    "restarts": worker.restarts_total,
                    "status": each,
                }
                for worker, each in zip(self._workers, told, strict=True)
            ],
        }

    async def decision(self, decision_id: str) -> Sequence[bytes]:
        """See Views: from whichever worker has it."""
        for answer in await self._asked(f"/decisions/{decision_id}"):
            if answer is not None:
                return [answer.removeprefix(b"[").removesuffix(b"]")]
        return []

    async def _asked(self, path: str, accept: str = "*/*") -> list[bytes | None]:
        """All at once; None for who does not answer, or has nothing of it."""
        answers = await asyncio.gather(*(worker.ask(path, accept) for worker in self._workers))
        return [None if answer is None or answer.status not in (200, 503) else bytes(answer.body) for answer in answers]

    def _own(self, answered: Mapping[str, str]) -> Iterator[Metric]:
        up, memory, restarts = (
            kind(metric.name, metric.help, labels=[names.WORKER.name])
            for kind, metric in (
                (GaugeMetricFamily, names.WORKER_UP),
                (GaugeMetricFamily, names.WORKER_MEMORY),
                (CounterMetricFamily, names.WORKER_RESTARTS),
            )
        )
        for worker in self._workers:
            label = [str(worker.slot)]
            up.add_metric(label, float(label[0] in answered))
            restarts.add_metric(label, worker.restarts_total)
            if worker.memory_bytes is not None:
                memory.add_metric(label, worker.memory_bytes)
        yield from (up, memory, restarts)


def _json(answer: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", orjson.loads(answer))
