"""Metrics and their labels: what the admin port shows."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sidecar.telemetry.spans import STAGES


class MetricKind(enum.StrEnum):
    """Prometheus's kinds of metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Label:
    """A label of metrics; `values` says what bounds its values, for a label without bound is a leak."""

    name: str
    values: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as Prometheus shows it; `buckets` are a histogram's upper bounds, in `unit`."""

    name: str
    kind: MetricKind
    unit: str
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()


OTHER = "other"
"""Label value for what is not in a bounded set, e.g. a model that no policy data names."""

SERVER = Label("server", "the configured kind of model server")
ENDPOINTS = ("infer", "probe", "metadata", "management", "unknown")
ENDPOINT = Label("endpoint", ", ".join(ENDPOINTS))
MODEL = Label("model", "the models of the policy's data, else `other`")
RESULT_LABEL = Label("result", "released, refused, replaced, failed, aborted")
STATUS = Label("status", "HTTP status codes; `none` where the client went away")
MODE_LABEL = Label("mode", "enforce, shadow")
REASON = Label("reason", "the reasons of docs/reasons.md and those of the policy's authors")
RULE = Label("rule", "the policy's guards, else `sidecar`")
ENGINE_LABEL = Label("engine", "opa, embedded")
STAGE = Label("stage", ", ".join(STAGES))
LOOKUP = Label("lookup", "hit, miss")
REVISION = Label("revision", "the active policy's alone, less what changes with each revocation")
BUNDLE = Label("bundle", "the engine's bundles, 64 at most")
BUNDLE_REVISION = Label("revision", "the bundle's alone; empty for those of revocations, which change with each")
CROSS_CHECK = Label(
    "result", "same, different, unavailable, skipped (OPA has another revision), dropped (too many at once)"
)
CONSENT = Label("status", "valid, missing, invalid, expired, off")
KIND = Label("kind", "INTENT, OUTCOME, REFUSAL, REFUSAL_SUMMARY, EVENT")
EXPLAINED = (
    *("explained", "empty", "status", "prediction_unreadable", "endpoint_unknown", "cancelled"),
    *("upstream_timeout", "upstream_unreachable", "upstream_malformed", "response_too_large", "overloaded"),
)
"""What comes of fetching an explanation: it is there, the answer holds none, is an error's or unreadable, the server
has no endpoint for it, the prediction failed or the client left before it came; else the reason for which none came."""
EXPLAINED_LABEL = Label("outcome", ", ".join(EXPLAINED))
DESTINATION = Label("destination", "otlp, archive")
VERSION = Label(
    "version", "versions that a model server has answered for, 256 with their models; empty where none is named"
)
GROUP = Label("group", "the groups that the model's facts declare, and `unknown`")
SPAN = Label("span", "the spans of --window-spans in seconds")
VERDICT = Label("verdict", "released, refused")
TIER = Label("tier", "warned, certain")
PORT = Label("port", "the ports of --self-check-ports, 16 at most")
WORKER = Label("worker", "the slots of --workers; with more than one, all metrics have this label")
CAUSE = Label("cause", "why predictions are in no window: duplicate, expired, score_out_of_range, watches_full, …")

_BUCKETS_S = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def _counter(name: str, text: str, *labels: Label) -> Metric:
    return Metric(f"sidecar_{name}_total", MetricKind.COUNTER, "1", text, labels)


def _gauge(name: str, unit: str, text: str, *labels: Label) -> Metric:
    return Metric(f"sidecar_{name}", MetricKind.GAUGE, unit, text, labels)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: Label) -> Metric:
    return Metric(f"sidecar_{name}_seconds", MetricKind.HISTOGRAM, "s", text, labels, buckets)


EXCHANGES = _counter("exchanges", "Exchanges that ended", SERVER, ENDPOINT, MODEL, RESULT_LABEL, STATUS, MODE_LABEL)
EXCHANGE_DURATION = _histogram(
    "exchange_duration", "From the whole request to the answer, the model server included", _BUCKETS_S, ENDPOINT
)
STAGE_DURATION = _histogram("stage_duration", "Time in one stage of an exchange", _BUCKETS_S, STAGE)
REFUSALS = _counter("refusals", "Reasons for which exchanges were refused", REASON, MODEL)
FLAGGED_TOTAL = _counter("flagged", "Decisions that a rule flagged for review", MODEL, RULE)
THROTTLES_ARMED = _counter("throttles_armed", "Throttles that decisions armed", MODEL)
EXPLANATIONS = _counter("explanations", "Explanations that were to be fetched", MODEL, EXPLAINED_LABEL)
WOULD_DENY = _counter("would_deny", "Reasons that would have refused, were it not for shadow", REASON, RULE, MODEL)

DECISION_CACHE = _counter("decision_cache_lookups", "Request decisions looked up in the cache", LOOKUP)
DECISION_CACHE_ENTRIES = _gauge("decision_cache_entries", "1", "Decisions in the cache")
POLICY_INFO = _gauge("policy_info", "1", "Always 1; the labels tell the active policy", ENGINE_LABEL, REVISION)
POLICY_ACTIVATED = _gauge("policy_activation_timestamp_seconds", "s", "When the active policy was activated")
POLICY_AGE = _gauge("policy_age_seconds", "s", "Since the policy's bundles were last confirmed")
POLICY_ACTIVATIONS = _counter("policy_activations", "Policies activated, the first included")
POLICY_RELOAD_FAILURES = _counter("policy_reload_failures", "New policies that could not be activated")
POLICY_PROBLEMS = _gauge(
    "policy_problems", "1", "What is wrong with the latest policy or its bundles, which are therefore not active"
)
BUNDLE_INFO = _gauge("bundle_info", "1", "Always 1; the labels tell what the engine has", BUNDLE, BUNDLE_REVISION)
BUNDLE_SEQUENCE = _gauge("bundle_sequence", "1", "The bundle's place in the order of publication", BUNDLE)
BUNDLE_AGE = _gauge("bundle_age_seconds", "s", "Since the bundle was last known to be the current one", BUNDLE)
BUNDLE_PROBLEM = _gauge(
    "bundle_problem", "1", "1: the latest bundle could not be got or activated; the last good one goes on", BUNDLE
)
BUNDLE_ROLLED_BACK = _gauge(
    "bundle_rolled_back", "1", "1: older than one that was active before, so requests are refused", BUNDLE
)
POLICY_REFUSING = _gauge(
    "policy_refusing", "1", "Guards that are absent and rules that no guard has: requests are refused"
)
POLICY_POLL_FAILURES = _counter("policy_poll_failures", "Times a remote engine did not tell its revision")
ENGINE_RESTARTS = _counter("engine_restarts", "Times the child engine had died and was started again")
CROSS_CHECKS = _counter("cross_check", "Decisions of the embedded engine that were held against OPA's", CROSS_CHECK)

CONSENT_RESULTS = _counter("consent_results", "Verified requests by what became of their token", CONSENT)
CONSENT_CACHE_HITS = _counter("consent_cache_hits", "Tokens whose verification was remembered")
CONSENT_KEY_REFRESHES = _counter("consent_key_refreshes", "Times the key set was read")
CONSENT_KEY_FAILURES = _counter("consent_key_refresh_failures", "Times reading the key set failed; old keys stay")

AUDIT_RECORDS = _counter(
    "audit_records", "Audit records written (with the delivery best_effort: handed over, see those dropped)", KIND
)
AUDIT_FAILURES = _counter("audit_append_failures", "Audit records that could not be written")
AUDIT_SUMMARISED = _counter("audit_refusals_summarised", "Refusals counted in a summary, not recorded singly")
AUDIT_DROPPED = _counter("audit_records_dropped", "Records that could not be kept, with the delivery best_effort")
AUDIT_UNSIGNED = _gauge("audit_unsigned_records", "1", "Durable records that no signed checkpoint covers yet")
AUDIT_RESERVED = _gauge("audit_reserved", "1", "1: the log's next segment has its place on the disk; 0: it has not")
AUDIT_HOUSEKEEPING_FAILURES = _counter(
    "audit_housekeeping_failures", "Tries to sign, reserve or delete that failed; they are repeated"
)
AUDIT_OPEN = _gauge("audit_open_exchanges", "1", "Exchanges with an INTENT and no OUTCOME yet")
SHIP_LAG_RECORDS = _gauge(
    "ship_lag_records",
    "1",
    "Records that the destination has not acknowledged (archive: those of closed segments)",
    DESTINATION,
)
SHIP_LAG = _gauge(
    "ship_lag_seconds", "s", "Age of the oldest of them (archive: since its segment was closed)", DESTINATION
)
SHIP_CHECKPOINT_AGE = _gauge(
    "ship_checkpoint_age_seconds",
    "s",
    "How long the archive's newest checkpoint has not been the log's newest",
    DESTINATION,
)
SHIP_SHIPPED = _counter(
    "ship_shipped", "Spans and log records, or objects, that the destination acknowledged", DESTINATION
)
SHIP_REJECTED = _counter(
    "ship_rejected", "Spans, log records and records that the destination will not have", DESTINATION
)
SHIP_CONFLICTS = _counter("ship_conflicts", "Times the archive held other content under a name of ours", DESTINATION)
SHIP_RESTARTS = _counter("ship_restarts", "Times the shipping process had died and was started again")

WINDOW_PREDICTIONS = _gauge(
    "window_predictions", "1", "Judged predictions in the window", MODEL, VERSION, GROUP, SPAN, VERDICT
)
WINDOW_POSITIVE_RATE = _gauge(
    "window_positive_rate", "1", "Share of positive predictions, released or not", MODEL, VERSION, GROUP, SPAN
)
WINDOW_MEAN_SCORE = _gauge("window_mean_score", "1", "Mean score, released or not", MODEL, VERSION, GROUP, SPAN)
IMPACT_RATIO = _gauge(
    "disparate_impact_ratio", "1", "Greatest positive rate over the least: an estimate", MODEL, VERSION, SPAN
)
IMPACT_LOWER = _gauge(
    "disparate_impact_lower_bound", "1", "What the ratio certainly exceeded in this epoch", MODEL, VERSION
)
IMPACT_LIMIT = _gauge("disparate_impact_limit", "1", "disparate_impact_max of the model's facts", MODEL, VERSION)
IMPACT_TIER = _gauge(
    "disparate_impact_exceeded", "1", "1: the limit was exceeded in this epoch, that much is sure", MODEL, VERSION, TIER
)
THROTTLE_ARMED = _gauge("throttle_armed", "1", "1: the model is throttled", MODEL, VERSION)
WINDOW_WATCHES = _gauge("window_watches", "1", "Models and versions that are watched")
WINDOW_BUCKETS = _gauge("window_buckets", "1", "Minutes of all windows that are held")
WINDOW_IGNORED = _counter("window_ignored", "Predictions that are in no window", CAUSE)
WINDOW_UNKNOWN = _counter("window_unknown_group_instances", "Predictions for groups that the model does not declare")
WINDOW_LAG = _gauge("window_store_lag_seconds", "s", "Since the shared store was last heard of")

MODEL_EXPOSED = _gauge("model_exposed", "1", "1: the model server can be reached past the sidecar by this port", PORT)
CONNECTIONS = _gauge("connections", "1", "Open client connections")
BODY_BYTES = _gauge("body_bytes_in_flight", "By", "Bytes of all bodies that are held")

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""Those of each process, in the order above."""

WORKER_UP = _gauge("worker_up", "1", "1: the worker answers its supervisor; 0: it is being started again", WORKER)
WORKER_RESTARTS = _counter("worker_restarts", "Times a worker had died and was started again", WORKER)
WORKER_MEMORY = _gauge("worker_resident_memory_bytes", "By", "Resident memory, shared libraries included", WORKER)

SUPERVISOR_METRICS = (WORKER_UP, WORKER_RESTARTS, WORKER_MEMORY)
"""Shown beside those of all workers, where there are several."""
