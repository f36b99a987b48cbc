from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.model.attributes import MISSING, Attribute, Attributes, Status
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import ModelFacts, ReadPlan, parse_group_source
from sidecar.model.message import Request
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.attributes import extract, forbidden_headers, problems
from sidecar.protocols.base import Call
from sidecar.protocols.v1 import V1

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENDPOINT = Endpoint(EndpointKind.INFER, "v1", "infer", "m")
HEADER, PARAMETER = "header:X-Data-Version", "parameter:data_version"


def extracted(
    *headers: tuple[bytes, bytes],
    parameters: Mapping[str, tuple[object, str]] | None = None,
    group: str | None = None,
    rows: Sequence[object] = (1,),
    claim: tuple[str, ...] | None = None,
) -> Attributes:
    facts = ModelFacts("m", read=ReadPlan(group=None if group is None else parse_group_source(group)))
    call = Call(ENDPOINT, len(rows), parameters or {}, {"instances": list(rows)})
    consent = ConsentFact(ConsentStatus.VALID, groups=claim)
    return extract(Request("POST", "/", headers), call, facts, consent, V1())


def present(value: str, source: str) -> Attribute:
    return Attribute(Status.PRESENT, value, source)


def malformed(source: str) -> Attribute:
    return Attribute(Status.MALFORMED, None, source)


def test_nothing_said() -> None:
    assert extracted((b"accept", b"*/*")) == Attributes()


def test_both_attributes_from_either_place() -> None:
    attributes = extracted(
        (b"x-data-version", b"v1"), parameters={"consent_scope": ("scoring", "parameter:consent_scope")}
    )
    assert attributes == Attributes(
        data_version=present("v1", HEADER), consent_scope=present("scoring", "parameter:consent_scope")
    )


@pytest.mark.parametrize(
    ("headers", "parameter", "attribute"),
    [
        ([b"v1"], None, present("v1", HEADER)),
        ([b" \tv 1 "], None, present("v 1", HEADER)),
        ([], "v1", present("v1", PARAMETER)),
        ([b"v1"], "v1", present("v1", HEADER)),
        ([b"v" * 256], None, present("v" * 256, HEADER)),
        ([b"v1"], "v2", Attribute(Status.CONFLICT, None, f"{HEADER}, {PARAMETER}")),
        ([b"v1"], "V1", Attribute(Status.CONFLICT, None, f"{HEADER}, {PARAMETER}")),
        ([b"v1", b"v1"], None, malformed(HEADER)),
        ([b"v1,v1"], None, malformed(HEADER)),
        ([b""], None, malformed(HEADER)),
        ([b"  "], None, malformed(HEADER)),
        ([b"v" * 257], None, malformed(HEADER)),
        ([b"v\x01"], None, malformed(HEADER)),
        ([b"v\x7f"], None, malformed(HEADER)),
        ([b"v\xff"], None, malformed(HEADER)),
        ([b"v\xc3\xa9"], None, malformed(HEADER)),
        ([], "", malformed(PARAMETER)),
        ([], " v1", malformed(PARAMETER)),
        ([], "v1,v2", malformed(PARAMETER)),
        ([], "v\n", malformed(PARAMETER)),
        ([], "vé", malformed(PARAMETER)),
        ([], "v" * 257, malformed(PARAMETER)),
        ([], 1, malformed(PARAMETER)),
        ([], True, malformed(PARAMETER)),
        ([], ["v1"], malformed(PARAMETER)),
        ([], {"v": 1}, malformed(PARAMETER)),
        ([b"v1"], 1, malformed(PARAMETER)),
        ([b"v1,"], "v1", malformed(HEADER)),
        ([b""], "", malformed(f"{HEADER}, {PARAMETER}")),
    ],
)
def test_an_attribute_of_two_sources(headers: list[bytes], parameter: object, attribute: Attribute) -> None:
    parameters = {} if parameter is None else {"data_version": (parameter, PARAMETER)}
    said = extracted(*((b"x-data-version", value) for value in headers), parameters=parameters)
    assert said == Attributes(data_version=attribute)


def test_null_is_no_value() -> None:
    said = extracted(parameters={"data_version": (None, PARAMETER)})
    assert said == Attributes(data_version=malformed(PARAMETER))


GROUP = b"x-protected-group"
NAMED = "header:X-Protected-Group"


@pytest.mark.parametrize(
    ("source", "headers", "claim", "rows", "groups"),
    [
        (NAMED, [b"a"], None, (1, 2, 3), Attribute(Status.PRESENT, ("a", "a", "a"), NAMED)),
        (NAMED, [], ("b",), (1,), MISSING),
        (NAMED, [b"a", b"a"], None, (1,), malformed(NAMED)),
        (NAMED, [b"a,b"], None, (1, 2), malformed(NAMED)),
        (NAMED, [b""], None, (1,), malformed(NAMED)),
        ("claim:group", [b"z"], ("b",), (1, 2), Attribute(Status.PRESENT, ("b", "b"), "claim:group")),
        ("claim:group", [], ("b", "a"), (1, 2), Attribute(Status.PRESENT, ("b", "a"), "claim:group")),
        ("claim:group", [], ("b", "a"), (1, 2, 3), malformed("claim:group")),
        ("claim:group", [], (), (1,), malformed("claim:group")),
        ("claim:group", [], ("",), (1,), malformed("claim:group")),
        ("claim:group", [], ("é" * 129,), (1,), malformed("claim:group")),
        ("claim:group", [], ("é",), (1,), Attribute(Status.PRESENT, ("é",), "claim:group")),
        ("claim:group", [b"z"], None, (1,), MISSING),
        (
            "input:race",
            [],
            None,
            ({"race": "a"}, {"race": 7}),
            Attribute(Status.PRESENT, ("a", "7"), "input:race"),
        ),
        ("input:race", [b"a"], ("a",), ({"sex": "a"},), MISSING),
        ("input:race", [], None, ({"race": "a"}, {}), malformed("input:race")),
        ("input:race", [], None, ({"race": 1.0},), malformed("input:race")),
        ("input:race", [], None, ({"race": True},), malformed("input:race")),
        ("input:race", [], None, ({"race": None},), malformed("input:race")),
        ("input:race", [], None, ({"race": "a\x00"},), malformed("input:race")),
        (
            "input:instances[1]",
            [],
            None,
            ([0, "a"], [0, "b"]),
            Attribute(Status.PRESENT, ("a", "b"), "input:instances[1]"),
        ),
        (None, [b"a"], ("a",), (1,), MISSING),
    ],
)
def test_groups(
    source: str | None,
    headers: list[bytes],
    claim: tuple[str, ...] | None,
    rows: Sequence[object],
    groups: Attribute,
) -> None:
    said = extracted(*((GROUP, value) for value in headers), group=source, claim=claim, rows=rows)
    assert said == Attributes(groups=groups)


def test_explanation_required() -> None:
    assert extracted((b"x-explanation", b"required")) == Attributes(explanation_required=True)
    for values in ([b"Required"], [b"optional"], [b""], [b"required", b"required"], [b"required,no"]):
        with pytest.raises(Refused) as caught:
            extracted(*((b"x-explanation", value) for value in values))
        assert caught.value.reasons == (Reason("attribute_malformed", "X-Explanation is not the one word: required"),)


def test_problems_are_what_the_sidecar_refuses_itself() -> None:
    assert problems(Attributes(data_version=present("v", HEADER))) == ()
    attributes = Attributes(
        data_version=Attribute(Status.CONFLICT, None, f"{HEADER}, {PARAMETER}"),
        consent_scope=malformed("header:X-Consent-Scope"),
        groups=Attribute(Status.TRUNCATED, None, "input:race"),
    )
    assert problems(attributes) == (
        Reason("attribute_conflict", f"data_version: {HEADER}, {PARAMETER}"),
        Reason("attribute_malformed", "consent_scope: header:X-Consent-Scope"),
        Reason("attribute_truncated", "groups: input:race"),
    )


def test_look_alikes_are_forbidden() -> None:
    names = (
        b"x-data-version",
        b"x_data_version",
        b"x-consent_token",
        b"x.decision.id",
        b"content_encoding",
        b"x-data-versions",
        b"data_version",
        b"consent-scope",
        b"x-vertex-ai-triton-redirect",
    )
    found = forbidden_headers(Request("POST", "/", tuple((name, b"v") for name in names)))
    assert found == (
        Reason("header_forbidden", "a header name that some servers take for x-data-version"),
        Reason("header_forbidden", "a header name that some servers take for x-consent-token"),
        Reason("header_forbidden", "a header name that some servers take for x-decision-id"),
        Reason("header_forbidden", "a header name that some servers take for content-encoding"),
        Reason("header_forbidden", "as a header, data-version begins with X-"),
        Reason("header_forbidden", "as a header, consent-scope begins with X-"),
        Reason("header_forbidden", "X-Vertex-Ai-Triton-Redirect names another endpoint than the path"),
    )
