"""Metrics: what is counted as it happens, and what other rooms have counted when Prometheus asks.

Every name comes from `telemetry`. Labels are bounded: models are those of the policy's data, reasons and rules
those of the catalogue and the policy's guards; what else appears is `other`.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sidecar.admin.histograms import Histogram
from sidecar.model.decision import flagging
from sidecar.model.reasons import CATALOGUE
from sidecar.telemetry import metrics as names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prometheus_client.metrics_core import Metric

    from sidecar.model.facts import Facts
    from sidecar.model.reasons import Reason
    from sidecar.policy.sequences import RolledBack
    from sidecar.proxy.case import Case

AUTHORED_REASONS_LIMIT = 200
"""Reason codes of policy authors that get a label value of their own; a policy could make them from its input."""

Reading = tuple[names.Metric, "Sequence[tuple[Sequence[str], float]]"]
"""A metric and its samples: label values in the metric's order, and the value."""


class Meters:
    """The observer of exchanges and of policy events, and the page that Prometheus reads."""

    def __init__(self, server: str) -> None:
        self._server = server
        disable_created_metrics()  # a timestamp beside each counter: nobody reads it
        self._registry = CollectorRegistry()
        self._facts: Callable[[], Facts | None] = lambda: None
        self._authored: set[str] = set()
        self._ended: collections.Counter[tuple[str, ...]] = collections.Counter()
        self.watch(self._exchanges)
        self._refusals = self._counter(names.REFUSALS)
        self._would_deny = self._counter(names.WOULD_DENY)
        self._flagged = self._counter(names.FLAGGED_TOTAL)
        self._armings = self._counter(names.THROTTLES_ARMED)
        self._explanations = self._counter(names.EXPLANATIONS)
        self._activations = self._counter(names.POLICY_ACTIVATIONS)
        self._reload_failures = self._counter(names.POLICY_RELOAD_FAILURES)
        self._poll_failures = self._counter(names.POLICY_POLL_FAILURES)
        self._restarts = self._counter(names.ENGINE_RESTARTS)
        self._cross_checks = self._counter(names.CROSS_CHECKS)
        self._durations = Histogram(names.EXCHANGE_DURATION, names.ENDPOINTS)
        self._stages = Histogram(names.STAGE_DURATION, names.STAGES)
        for histogram in (self._durations, self._stages):
            self._registry.register(histogram)

    def bound_by(self, facts: Callable[[], Facts | None]) -> None:
        """The policy's facts bound the labels `model` and `rule`; without them both are `other`."""
        self._facts = facts

    def watch(self, read: Callable[[], Iterable[Reading]]) -> None:
        """Also shows what `read` gives, read anew for each look at the page."""
        self._registry.register(_Readings(read))

    def render(self, accept: str) -> tuple[bytes, str]:
        """The page and its media type: OpenMetrics, which has exemplars, where `accept` asks for it."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def finished(self, case: Case, status: int | None) -> None:
        """One exchange ended."""
        endpoint = case.endpoint.kind if case.endpoint else "unknown"
        model = self._model(case.model)
        self._ended[self._server, endpoint, model, case.result, str(status or "none"), case.mode] += 1
        taken_s = case.clock.monotonic_s() - case.started_s
        self._durations.of[endpoint].observe_traced(taken_s, case.context.trace_id, case.clock.unix_s())
        stages = self._stages.of
        for stage, us in case.stage_us.items():
            stages[stage].observe(us / 1e6)
        for reason in case.reasons:
            self._refusals.labels(self._reason(reason), model).inc()
        for reason in case.would_deny:
            self._would_deny.labels(self._reason(reason), self._rule(reason.rule), model).inc()
        for rule in flagging(case.decision, case.response_decision):
            self._flagged.labels(model, self._rule(rule)).inc()
        if case.armings:
            self._armings.labels(model).inc(case.armings)
        if case.explained is not None:
            outcome = case.explained if case.explained in names.EXPLAINED else names.OTHER
            self._explanations.labels(model, outcome).inc()

    def _exchanges(self) -> Iterable[Reading]:
        """Not a `Counter`, which takes a lock: each exchange is counted here, others but now and then."""
        return [(names.EXCHANGES, list(self._ended.items()))]

    def activated(self, revision: str) -> None:
        """See `policy.events.PolicyEvents`."""
        del revision  # the page has it as a label of policy_info
        self._activations.inc()

    def activation_failed(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._reload_failures.inc()

    def rolled_back(self, bundles: Sequence[RolledBack]) -> None:
        """See `policy.events.PolicyEvents`."""
        del bundles  # the page has them as a gauge, for as long as it lasts

    def poll_failed(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._poll_failures.inc()

    def engine_restarted(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._restarts.inc()

    def cross_checked(self, result: str) -> None:
        """See `policy.events.PolicyEvents`."""
        self._cross_checks.labels(result).inc()

    def _counter(self, metric: names.Metric) -> Counter:
        return Counter(metric.name, metric.help, _labels(metric), registry=self._registry)

    def _model(self, model: str) -> str:
        facts = self._facts()
        return model if facts is not None and model in facts.models else names.OTHER

    def _reason(self, reason: Reason) -> str:
        if reason.code in CATALOGUE or reason.code in self._authored:
            return reason.code
        if len(self._authored) >= AUTHORED_REASONS_LIMIT:
            return names.OTHER
        self._authored.add(reason.code)
        return reason.code

    def _rule(self, rule: str | None) -> str:
        if rule is None:
            return "sidecar"
        facts = self._facts()
        return rule if facts is not None and rule in facts.guards else names.OTHER


def _labels(metric: names.Metric) -> list[str]:
    return [label.name for label in metric.labels]


class _Readings(Collector):
    """Metrics whose values are kept elsewhere."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """One family a reading; a reading without samples is a metric that has no value now."""
        for metric, samples in self._read():
            kind = CounterMetricFamily if metric.kind is names.MetricKind.COUNTER else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=_labels(metric))
            for values, value in samples:
                family.add_metric(values, value)
            yield family

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry would otherwise read every room at registration."""
        yield from ()
