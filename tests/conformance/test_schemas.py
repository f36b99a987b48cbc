"""The schemas are valid, take what the contract shows, and refuse what it forbids."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from sidecar.model.attributes import Status
from sidecar.model.consent import ConsentStatus
from sidecar.model.decision import OBLIGATION_TYPES
from sidecar.model.reasons import CATALOGUE, Reason, policy_may_use
from sidecar.policy.facts import FactsInvalid, read_facts
from sidecar.policy.port import Answer
from sidecar.protocols.torchserve import TorchServe
from sidecar.protocols.v1 import V1
from sidecar.protocols.v2.protocol import V2
from sidecar.proxy.problem import problem
from tests.conformance.schema_breaches import BREACHES, UNKNOWN_TOKEN
from tests.conformance.schema_set import GONE, SCHEMAS, changed, contract, errors, members, removable, untyped

EARLIER = {"number": 3, "tokens": {"ab12": f"{'c' * 28} {'d' * 28}"}, "subjects": {}}
ID = "0123456789abcdef" * 2
"""A decision id."""


def told(*reasons: Reason) -> Any:
    return orjson.loads(problem(reasons, ID).body)


def facts() -> Any:
    guards = {"consent": ["request"], "fairness_band": ["response"]}
    bundle = {"revision": "c0ffee", "roots": ["models"], "sequence": 7, "created_unix_s": 1_795_300_000.5}
    return {"models": contract("data")["models"], "guards": guards, "absent": [], "bundles": {"data": bundle}}


EXAMPLES: dict[str, Any] = {
    "policy-input-request": contract("policy-input-request"),
    "policy-input-response": contract("policy-input-response"),
    "decision": contract("decision"),
    "data": contract("data"),
    "ready-line": contract("ready-line"),
    "facts": facts(),
    "problem": told(Reason("data_stale", "old", "staleness")),
}


def schema_of(example: str) -> str:
    return "policy-input" if example.startswith("policy-input") else example


def all_but(example: str, needed: set[str]) -> set[str]:
    return {place for place, _ in members(EXAMPLES[example])} - needed


MODEL_NEEDED = {
    "/models",
    "/models/credit/mitigation/fairness_band/action",
    "/models/credit/mitigation/group_mean_band/action",
    "/models/credit/mitigation/disparate_impact/action",
    "/models/credit/mitigation/disparate_impact/rate_per_s",
    "/models/credit/mitigation/disparate_impact/hold_s",
    "/models/credit/read/label",
    "/models/credit/read/positive/label",
}
OPTIONAL: dict[str, set[str]] = {
    "policy-input-request": set(),
    "policy-input-response": {"/window/groups/a", "/window/groups/a/positive_rate"},
    "decision": {"/reasons/0/rule", "/reasons/0/remedy", "/shadow/0/rule"},
    "data": all_but(
        "data",
        MODEL_NEEDED
        | {
            "/datasets/loans-2026-11-20/created_unix_s",
            "/datasets/loans-2026-11-20/consent_scopes",
            "/revocations",
            "/revocations/tokens",
            "/revocations/subjects",
            "/objections/subjects",
        },
    ),
    "facts": all_but(
        "facts",
        # Limits and mitigations are the rules' own.
        {place for place in MODEL_NEEDED if "mitigation" not in place} | {"/guards", "/absent"},
    ),
    "problem": {"/reasons/0/rule"},
    "ready-line": set(),
}
"""By example: which members may be missing."""

LIMITS = ("max_age_days", "required_scopes", "instances_per_token", "band")
OPEN: dict[str, set[str]] = {
    "policy-input-response": {"/prediction/explanation"},
    "facts": {
        place
        for place, _ in members(facts())
        for part in (*LIMITS, "mitigation")
        if place.startswith(f"/models/credit/{part}")
    }
    | {f"/models/credit/{part}" for part in ("required_scopes/0",)},
}
"""By example: which members may have any type, since only rules read them."""


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema_of_the_draft_it_names(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:model-policy-sidecar:schema:v1:{name}"
    assert schema["title"]
    assert schema["description"]


def test_all_of_the_contract_is_published() -> None:
    assert list(SCHEMAS) == [
        "audit-record",
        "data",
        "decision",
        "facts",
        "policy-input",
        "problem",
        "ready-line",
    ]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_contracts_examples_are_valid(example: str) -> None:
    assert errors(schema_of(example), EXAMPLES[example]) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_other_member_may_be_missing(example: str) -> None:
    assert removable(schema_of(example), EXAMPLES[example]) == OPTIONAL[example]


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_other_member_may_have_another_type(example: str) -> None:
    assert untyped(schema_of(example), EXAMPLES[example]) == OPEN.get(example, set())


@pytest.mark.parametrize(
    ("example", "pointer", "new"), [(example, *breach) for example in EXAMPLES for breach in BREACHES[example]]
)
def test_a_breach_is_found(example: str, pointer: str, new: Any) -> None:
    assert errors(schema_of(example), changed(EXAMPLES[example], pointer, new))


ABSENT = {"value": None, "status": "missing", "source": None}


@pytest.mark.parametrize(
    ("example", "pointer", "new"),
    [
        ("policy-input-request", "/added_later", {"any": "thing"}),
        ("policy-input-request", "/consent/added_later", 1),
        ("policy-input-request", "/source", {"address": None, "identity": None}),
        ("policy-input-request", "/endpoint/version", None),
        ("policy-input-request", "/request/headers", {"x-team": ["risk", "credit"]}),
        ("policy-input-request", "/attributes/groups", ABSENT),
        ("policy-input-request", "/attributes/explanation", {"required": True}),
        ("policy-input-request", "/consent", UNKNOWN_TOKEN),
        ("policy-input-request", "/consent/token_id", None),
        ("policy-input-response", "/prediction/scores", None),
        ("policy-input-response", "/prediction/explanation", [{"income": 0.3}]),
        ("policy-input-response", "/window/groups/a", {"n": 3}),
        (
            "policy-input-response",
            "/window/groups/a",
            {"n": 30, "mean_score": None, "mean_lower": None, "mean_upper": None, "positive_rate": None},
        ),
        ("policy-input-response", "/window/disparate_impact", None),
        ("policy-input-response", "/window/disparate_impact/ratio", None),
        ("policy-input-response", "/window/added_later", 1),
        ("decision", "/added_later", 1),
        ("decision", "/reasons/0/code", "night_shift"),
        ("decision", "/reasons/0/rule", GONE),
        ("decision", "/obligations/0", {"type": "flag_review", "rule": "staleness"}),
        ("decision", "/obligations/0", {"type": "fallback", "outputs": [0]}),
        ("decision", "/obligations/0", {"type": "fallback", "outputs": [0], "by": "credit_scoring"}),
        ("decision", "/obligations/0", {"type": "require_explanation", "timeout_ms": 500}),
        ("data", "/models/credit/limit_of_ours", 7),
        ("data", "/models/credit/rules/guard_of_ours", "shadow"),
        ("data", "/models/credit/read", GONE),
        ("data", "/models/credit/read/score", "output:score[1]"),
        ("data", "/models/credit/read/score", "pointer:/outputs/0"),
        ("data", "/models/credit/read/label", "most_probable"),
        ("data", "/models/credit/stream", "judge"),
        ("data", "/models/credit/read/group", "input:sex"),
        ("data", "/models/credit/read/features", {"income": "input:rows[2]"}),
        ("data", "/models/credit/read/positive", {"score_at_least": 0.5}),
        ("data", "/models/credit/mitigation/consent", {"action": "fallback", "outputs": ["deny"]}),
        ("data", "/models/credit/mitigation/consent", {"action": "fallback", "by": "credit_scoring"}),
        ("data", "/models/credit/mitigation/consent", {"action": "fallback"}),
        ("data", "/models/credit/explain", {"timeout_ms": 500}),
        ("data", "/models/credit/explain", {"timeout_ms": 500, "read": "pointer:/explanations"}),
        ("data", "/models/credit/explain", None),
        ("data", "/revocations/tokens", {"ab" * 32: {"at_unix_s": 1}}),
        ("data", "/revocations/earlier", EARLIER),
        ("data", "/revocations", {"tokens": {}, "subjects": {}, "after": 3, "earlier": EARLIER}),
        ("data", "/group_mean", GONE),
        ("ready-line", "/added_later", 1),
        ("ready-line", "/listen", "[::1]:8090"),
        ("ready-line", "/engine", "embedded"),
    ],
)
def test_what_the_contract_leaves_open_is_valid(example: str, pointer: str, new: Any) -> None:
    assert errors(schema_of(example), changed(EXAMPLES[example], pointer, new)) == []


@pytest.mark.parametrize(
    "text",
    [
        "output:score",
        "output:score[1]",
        "output:a:b/c d",
        "input:rows[999999]",
        "pointer:",
        "pointer:/a/0",
        "probability:approve",
        "probability:",
        "first_number",
        "most_probable",
        "first_number:",
        "",
        "score",
        "output:",
        "output:" + "x" * 257,
        "output:score[]",
        "output:score[1][2]",
        "output:score[1234567]",
        "output:a\x00b",
        "pointer:a",
        "claim:group",
        "header:X-Protected-Group",
        "header:x-protected-group",
        "header:X-Group",
        "claim:sub",
    ],
)
def test_the_schema_takes_the_readers_that_the_code_takes(text: str) -> None:
    said: dict[str, object] = dict.fromkeys(("score", "label", "explanation", "group"), text)
    for member, value in {**said, "features": {"income": text}}.items():
        read = {member: value}
        is_valid = errors("facts", changed(facts(), "/models/credit/read", read)) == []
        assert is_valid is _accepts(read), member


def _accepts(read: dict[str, object]) -> bool:
    try:
        read_facts(Answer({"models": {"credit": {"read": read}}}, "r1"))
    except FactsInvalid:
        return False
    return True


def test_a_group_that_is_not_the_callers_word_may_escape_the_band() -> None:
    data = changed(contract("data"), "/models/credit/unknown_group", "skip_band")
    assert errors("data", changed(data, "/models/credit/read/group", "claim:group")) == []


def test_an_allow_needs_no_reason() -> None:
    allow = {"allow": True, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 5}
    assert errors("decision", allow) == []


@pytest.mark.parametrize("code", [*CATALOGUE, "night_shift"])
def test_a_policy_may_use_the_same_codes_in_the_schema_and_in_the_code(code: str) -> None:
    decision = changed(contract("decision"), "/reasons/0/code", code)
    # `policy_malformed` is the composing module's own word.
    may_use = policy_may_use(code) or code == "policy_malformed"
    assert (errors("decision", decision) == []) is may_use


@pytest.mark.parametrize("protocol", [None, V1(), V2(), TorchServe()], ids=["none", "v1", "v2", "torchserve"])
@pytest.mark.parametrize("code", [*CATALOGUE, "night_shift"])
def test_every_refusal_is_a_problem(code: str, protocol: V1 | V2 | TorchServe | None) -> None:
    body = orjson.loads(problem([Reason(code, "because", "a_rule")], ID, protocol=protocol).body)
    assert errors("problem", body) == []


def test_all_reasons_together_are_a_problem() -> None:
    assert errors("problem", told(*(Reason(code, "because") for code in CATALOGUE))) == []


def test_the_words_are_the_codes() -> None:
    parts = SCHEMAS["policy-input"]["$defs"]
    assert parts["attribute"]["properties"]["status"]["enum"] == [status.value for status in Status]
    assert parts["consent"]["properties"]["status"]["enum"] == [status.value for status in ConsentStatus]
    obligation = SCHEMAS["decision"]["$defs"]["obligation"]
    assert set(obligation["properties"]["type"]["enum"]) == OBLIGATION_TYPES
    statuses = {kind.status for kind in CATALOGUE.values()}
    assert set(SCHEMAS["problem"]["properties"]["status"]["enum"]) == statuses
