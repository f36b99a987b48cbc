"""Spans, their attributes and events, and log records: what is sent from the audit log."""

from __future__ import annotations

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
FLAGGED = Attribute("sidecar.flagged", "string[]", "Rules that flagged it for review, sorted")
AUDIT_LOG = Attribute("sidecar.audit.log", "string", "Identity of the log that it is made from")
AUDIT_SEQUENCE = Attribute(
    "sidecar.audit.sequence", "int", "Number of the (last) record in that log that it is made from"
)
PHASE = Attribute("sidecar.phase", "string", "request or response")

DECIDED = Event(
    "sidecar.decided",
    "The policy decided one phase, or the sidecar refused by itself",
    (PHASE, DECISION, REASONS, SHADOW_REASONS, FLAGGED, POLICY_REVISION),
)

STAGES = ("request_decision", "intent", "upstream", "explain", "response_decision", "outcome")
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
        FLAGGED,
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
