"""The story of one decision for a person: who asked what, what was decided and why, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from sidecar.audit.port import Kind
from sidecar.audit.records import Result
from sidecar.evidence.findings import utc
from sidecar.evidence.printable import printable

if TYPE_CHECKING:
    from sidecar.evidence.coverage import Coverage

_TITLE_WIDTH = 10
_NAME_WIDTH = 14
_DIGEST_CHARS = 16

Json = Mapping[str, Any]
Line = tuple[str, str]
Section = tuple[str, Sequence[Line]]

_NOTHING: Json = {}

RESULTS: Mapping[str, str] = {
    Result.RELEASED: "the model's answer was given to the client",
    Result.REFUSED: "the model's answer was withheld",
    Result.REPLACED: "another answer was given in place of the model's",
    Result.FAILED: "the exchange failed",
    Result.ABORTED: "the client went away before it had an answer",
    Result.UNKNOWN: "the sidecar was killed before it could record what happened",
}


def tell(records: Sequence[Mapping[str, Any]], coverage: Sequence[Coverage]) -> str:
    """The records of one decision as plain text, in the order in which things happened."""
    opening = next((record for record in records if record["kind"] != Kind.OUTCOME), _NOTHING)
    outcome = next((record for record in records if record["kind"] == Kind.OUTCOME), _NOTHING)
    sections: list[Section] = [
        ("asked", _asked(opening)),
        ("for", _attributes(opening)),
        ("consent", _consent(opening)),
        ("policy", _verdict(opening)),
        ("sent", _sent(opening, outcome)),
        ("answered", _answered(outcome)),
        ("judged", _verdict(outcome)),
        ("client", _client(opening, outcome)),
        ("took", _took(outcome)),
        ("on record", [line for one in coverage for line in _covered(one)]),
    ]
    head = f"decision {records[0]['decision_id']}{_of_model(opening)}"
    return "\n".join([printable(head), *(line for title, lines in sections for line in _section(title, lines))])


def _section(title: str, lines: Sequence[Line]) -> list[str]:
    shown: list[str] = []
    for number, (name, text) in enumerate(lines):
        label = "" if number else title
        shown.append(printable(f"  {label:<{_TITLE_WIDTH}}  {name:<{_NAME_WIDTH}}  {text}".rstrip()))
    return ["", *shown] if shown else []


def _of_model(opening: Json) -> str:
    endpoint = _part(opening, "endpoint")
    if not endpoint:
        return ""
    version = f", version {endpoint['version']}" if endpoint.get("version") else ""
    return f": {endpoint.get('operation')} of {endpoint.get('model') or 'the server'}{version}"


def _asked(opening: Json) -> list[Line]:
    if not opening:
        return [("", "its INTENT is not here any more")]
    request = _part(opening, "request")
    endpoint = _part(opening, "endpoint")
    source = _part(opening, "source")
    return _present(
        ("at", utc(opening.get("started_unix_ns") or opening["time_unix_ns"])),
        ("request", f"{request['method']} {request['path']}" if request else None),
        ("protocol", endpoint.get("protocol")),
        ("from", source.get("address")),
        ("request id", opening.get("request_id")),
        ("trace id", opening.get("trace_id")),
    )


def _attributes(opening: Json) -> list[Line]:
    asked = _part(opening, "input")
    attributes = _part(asked, "attributes")
    lines = [(name, _attribute(read)) for name, read in attributes.items() if "status" in read]
    if _part(attributes, "explanation").get("required"):
        lines.append(("explanation", "wanted"))
    return lines + _present(("instances", asked.get("instances")))


def _attribute(read: Json) -> str:
    if read["status"] != "present":
        return str(read["status"])
    value: Any = read["value"]
    shown = _values(cast("list[object]", value)) if isinstance(value, list) else value
    return f"{shown}  ({read.get('source')})"


def _consent(opening: Json) -> list[Line]:
    consent = _part(_part(opening, "input"), "consent")
    if not consent:
        return []
    expires = consent.get("expires_unix_s")
    return _present(
        ("token", consent.get("status")),
        ("issuer", consent.get("issuer")),
        ("subject", _digest(consent.get("subject"), opening.get("salt"))),
        ("scopes", ", ".join(consent.get("scopes") or []) or None),
        ("data version", consent.get("data_version")),
        ("expires", utc(int(expires * 1e9)) if expires is not None else None),
    )


def _verdict(record: Json) -> list[Line]:
    decision = _part(record, "decision")
    if not decision:
        return []
    engine = f", in {record['engine']}" if record.get("engine") else ""
    mode = f", mode {record['mode']}" if record.get("mode") else ""
    lines: list[Line] = [("allowed" if decision["allow"] else "denied", f"by {_revision(record)}{engine}{mode}")]
    lines += _reasons("because", _parts(decision, "reasons")) + _reasons("in shadow", _parts(decision, "shadow"))
    return lines + [("obliged to", _obligation(one)) for one in _parts(decision, "obligations")]


def _revision(record: Json) -> str:
    return f"policy {record['policy_revision']}" if record.get("policy_revision") else "the sidecar, without a policy"


def _reasons(title: str, reasons: Sequence[Json]) -> list[Line]:
    lines: list[Line] = []
    for reason in reasons:
        rule = f"  (rule {reason['rule']})" if reason.get("rule") else ""
        lines.append((title, f"{reason['code']}: {reason['message']}{rule}"))
    return lines


def _obligation(obligation: Mapping[str, Any]) -> str:
    return ", ".join(
        [str(obligation["type"]), *(f"{name} {value}" for name, value in obligation.items() if name != "type")]
    )


def _sent(opening: Json, outcome: Json) -> list[Line]:
    if opening.get("kind") == Kind.REFUSAL:
        return [("", "nothing: the request was refused")]
    if not opening:
        return []
    digest = _digest(opening.get("request_digest"), opening.get("salt"))
    lines = [("", "the judged request"), *_present(("body", digest)), *_explain(_part(opening, "explain"))]
    return lines if outcome else [*lines, ("", "whether it arrived is not known: there is no OUTCOME (yet)")]


def _explain(call: Json) -> list[Line]:
    if not call:
        return []
    return [("and beside it", f"{call['method']} {call['path']}, for an explanation within {call['timeout_ms']} ms")]


def _answered(outcome: Json) -> list[Line]:
    prediction = _part(_part(outcome, "input"), "prediction")
    positive = outcome.get("positive")
    return _present(
        ("status", prediction.get("status")),
        ("scores", _values(prediction.get("scores"))),
        ("labels", _values(prediction.get("labels"))),
        ("explanation", _digest(prediction.get("explanation"), outcome.get("salt"))),
        ("positive", f"instances {_values(positive)}" if positive else None),
        ("body", _digest(outcome.get("response_digest"), outcome.get("salt"))),
        ("window", _window(_part(outcome, "window"))),
    )


def _window(window: Json) -> str | None:
    if not window:
        return None
    groups: Mapping[str, Json] = _part(window, "groups")
    counts = ", ".join(f"{name}: {group.get('n')}" for name, group in groups.items())
    return f"{window.get('state')}{f' ({counts})' if counts else ''}"


def _client(opening: Json, outcome: Json) -> list[Line]:
    if opening.get("kind") == Kind.REFUSAL:
        return [("status", str(opening.get("status"))), ("refused", "before anything was sent to the model")]
    if not outcome:
        return [("", "not known (yet)")]
    result = str(outcome["result"])
    status = outcome.get("status")
    return [("status", "none" if status is None else str(status)), (result, RESULTS.get(result, ""))]


def _took(outcome: Json) -> list[Line]:
    stages: Mapping[str, int] = _part(outcome, "stage_us")
    if not stages:
        return []
    width = max(len(f"{us:,}") for us in (*stages.values(), sum(stages.values())))
    lines = [(stage, f"{us:>{width},} µs") for stage, us in stages.items()]
    return [*lines, ("in all", f"{sum(stages.values()):>{width},} µs")]


def _covered(coverage: Coverage) -> list[Line]:
    line = f"record {coverage.sequence} of log {coverage.log_id}"
    return [(coverage.kind, line), ("", coverage.text)]


def _values(values: Sequence[object] | None) -> str | None:
    return ", ".join(map(str, values)) if values else None


def _digest(digest: str | None, period: str | None) -> str | None:
    if digest is None:
        return None
    return f"{digest[:_DIGEST_CHARS]}…  (under the salt of {period})" if period else f"{digest[:_DIGEST_CHARS]}…"


def _part(whole: Json, name: str) -> Json:
    """An object within an object; empty where there is none."""
    return cast("Json", whole.get(name) or {})


def _parts(whole: Json, name: str) -> Sequence[Json]:
    """The objects in a list within an object."""
    return cast("Sequence[Json]", whole.get(name) or [])


def _present(*lines: tuple[str, object]) -> list[Line]:
    return [(name, str(value)) for name, value in lines if value is not None]
