"""Every name that leaves the sidecar as telemetry, with its meaning and unit: spans, events, log records, metrics.

The rooms use these objects, never a name of their own; tests compare what is emitted with what stands here,
both ways. HTTP semantic conventions of OpenTelemetry where they exist, `sidecar.*` and `sidecar_*` for the
rest. Plain values: no SDK is imported, nothing of ours either.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a span, an event or a resource. `type` is OpenTelemetry's name of the value's type."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event within a span."""

    name: str
    description: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A span. `name` is the pattern of its name."""

    name: str
    kind: str
    description: str
    attributes: tuple[Attribute, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log record. `name` is the pattern of its event name; `body` says what its body holds."""

    name: str
    description: str
    body: str
    attributes: tuple[Attribute, ...]


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


# Resource

SERVICE_NAME = Attribute("service.name", "string", "Always `model-policy-sidecar`")
SERVICE_VERSION = Attribute("service.version", "string", "Version of the sidecar")
SERVICE_INSTANCE_ID = Attribute("service.instance.id", "string", "Identity of the audit log that spans come from")
RESOURCE = (SERVICE_NAME, SERVICE_VERSION, SERVICE_INSTANCE_ID)

# Attributes of the span. Semantic conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/

HTTP_METHOD = Attribute("http.request.method", "string", "Method of the request, or `_OTHER`")
HTTP_METHOD_ORIGINAL = Attribute(
    "http.request.method_original", "string", "The method, where the conventions know it not"
)
HTTP_STATUS = Attribute("http.response.status_code", "int", "Status that the client got")
URL_PATH = Attribute("url.path", "string", "Path of the request, at most 256 characters; never the query")
ERROR_TYPE = Attribute("error.type", "string", "Leading reason of an answer with status 500 or above")

DECISION_ID = Attribute("sidecar.decision_id", "string", "Id of the exchange, as in X-Decision-Id")
REQUEST_ID = Attribute("sidecar.request_id", "string", "Id of the request, as in X-Request-Id")
RESULT = Attribute("sidecar.result", "string", "How the exchange ended: released, refused, replaced, failed, …")
MODE = Attribute("sidecar.mode", "string", "enforce or shadow")
ENGINE = Attribute("sidecar.engine", "string", "opa or embedded; absent where no policy was asked")
DECISION = Attribute("sidecar.decision", "string", "allow or deny: of the whole exchange, or of the event's phase")
REASONS = Attribute("sidecar.reasons", "string[]", "Codes for which it was refused, sorted")
SHADOW_REASONS = Attribute("sidecar.shadow_reasons", "string[]", "Codes that rules in shadow found, sorted")
POLICY_REVISION = Attribute("sidecar.policy.revision", "string", "Revision of the policy that decided")
PROTOCOL = Attribute("sidecar.protocol", "string", "Serving protocol: v1, v2, torchserve")
OPERATION = Attribute("sidecar.operation", "string", "Operation of the protocol, e.g. infer")
MODEL_NAME = Attribute("sidecar.model.name", "string", "Model that the path names")
MODEL_VERSION = Attribute("sidecar.model.version", "string", "Version that the path names")
DATA_VERSION = Attribute("sidecar.data_version", "string", "Data version of the request")
CONSENT_SCOPE = Attribute("sidecar.consent_scope", "string", "Consent scope of the request")
CONSENT_STATUS = Attribute("sidecar.consent.status", "string", "What became of the token: valid, missing, …")
INSTANCES = Attribute("sidecar.instances", "int", "Instances in the request")
AUDIT_LOG = Attribute("sidecar.audit.log", "string", "Identity of the log that it is made from")
AUDIT_SEQUENCE = Attribute(
    "sidecar.audit.sequence", "int", "Number of the (last) record in that log that it is made from"
)
PHASE = Attribute("sidecar.phase", "string", "request or response")

DECIDED = Event(
    "sidecar.decided",
    "The policy decided one phase, or the sidecar refused by itself",
    (PHASE, DECISION, REASONS, SHADOW_REASONS, POLICY_REVISION),
)

STAGES = ("request_decision", "intent", "upstream", "response_decision", "outcome")
"""Stages of an exchange that are timed, in their order."""

STAGE_US = {
    stage: Attribute(f"sidecar.stage.{stage}_us", "int", f"Microseconds in the stage {stage}")
    for stage in STAGES
    if stage != "outcome"  # it ends when the record is written that the span comes from
}

EXCHANGE = Span(
    "{http.request.method} {sidecar.operation}",
    "SERVER",
    "One exchange, from the first look at the request to its last audit record",
    (
        HTTP_METHOD,
        HTTP_METHOD_ORIGINAL,
        HTTP_STATUS,
        URL_PATH,
        ERROR_TYPE,
        DECISION_ID,
        REQUEST_ID,
        RESULT,
        MODE,
        ENGINE,
        DECISION,
        REASONS,
        SHADOW_REASONS,
        POLICY_REVISION,
        PROTOCOL,
        OPERATION,
        MODEL_NAME,
        MODEL_VERSION,
        DATA_VERSION,
        CONSENT_SCOPE,
        CONSENT_STATUS,
        INSTANCES,
        AUDIT_LOG,
        AUDIT_SEQUENCE,
        *STAGE_US.values(),
    ),
    (DECIDED,),
)
SPANS = (EXCHANGE,)

# Log records, made from what is on record beside exchanges. Log and sequence are the key by which repeats are dropped.

HAPPENED = LogRecord(
    "sidecar.{event}", "EVENT: what happened to the sidecar itself", "details", (AUDIT_LOG, AUDIT_SEQUENCE)
)
SUMMARISED = LogRecord(
    "sidecar.refusals_summarised",
    "REFUSAL_SUMMARY: refusals that were counted instead of being recorded singly",
    "from_unix_ns, to_unix_ns, count, reasons with their counts",
    (AUDIT_LOG, AUDIT_SEQUENCE),
)
LOG_RECORDS = (HAPPENED, SUMMARISED)

# Metrics

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
REVISION = Label("revision", "the active policy's alone")
CONSENT = Label("status", "valid, missing, invalid, expired, off")
KIND = Label("kind", "INTENT, OUTCOME, REFUSAL, REFUSAL_SUMMARY, EVENT")
DESTINATION = Label("destination", "otlp, archive")

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
WOULD_DENY = _counter("would_deny", "Reasons that would have refused, were it not for shadow", REASON, RULE, MODEL)

DECISION_CACHE = _counter("decision_cache_lookups", "Request decisions looked up in the cache", LOOKUP)
DECISION_CACHE_ENTRIES = _gauge("decision_cache_entries", "1", "Decisions in the cache")
POLICY_INFO = _gauge("policy_info", "1", "Always 1; the labels tell the active policy", ENGINE_LABEL, REVISION)
POLICY_ACTIVATED = _gauge("policy_activation_timestamp_seconds", "s", "When the active policy was activated")
POLICY_AGE = _gauge("policy_age_seconds", "s", "Since the policy's bundles were last confirmed")
POLICY_ACTIVATIONS = _counter("policy_activations", "Policies activated, the first included")
POLICY_RELOAD_FAILURES = _counter("policy_reload_failures", "New policies that could not be activated")
POLICY_PROBLEMS = _gauge("policy_problems", "1", "What is wrong with the latest policy, which is therefore not active")
POLICY_REFUSING = _gauge(
    "policy_refusing", "1", "Guards that are absent and rules that no guard has: requests are refused"
)
POLICY_POLL_FAILURES = _counter("policy_poll_failures", "Times a remote engine did not tell its revision")
ENGINE_RESTARTS = _counter("engine_restarts", "Times the child engine had died and was started again")

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

CONNECTIONS = _gauge("connections", "1", "Open client connections")
BODY_BYTES = _gauge("body_bytes_in_flight", "By", "Bytes of all bodies that are held")

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
