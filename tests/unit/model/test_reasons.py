from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.reasons import (
    CATALOGUE,
    Reason,
    ReasonClass,
    ReasonKind,
    in_order,
    kind_of,
    leading,
    policy_may_use,
)

# Contract 6, row by row: codes in its order, with their status.
CONTRACT = {
    ReasonClass.ENGINE: {
        503: "policy_unavailable policy_timeout policy_undefined policy_malformed policy_too_old "
        "policy_rolled_back revision_skew audit_unavailable overloaded shutting_down"
    },
    ReasonClass.CLIENT: {
        400: "http_malformed header_forbidden attribute_missing attribute_conflict attribute_malformed "
        "attribute_truncated body_malformed",
        404: "endpoint_unknown",
        405: "method_not_allowed",
        408: "request_timeout",
        413: "body_too_large instances_too_many",
        415: "media_type_unsupported",
        431: "headers_too_large",
    },
    ReasonClass.TOKEN: {401: "consent_missing consent_invalid consent_expired"},
    ReasonClass.POLICY: {
        403: "data_version_unknown model_unknown data_stale data_in_future consent_scope_mismatch "
        "consent_data_mismatch consent_revoked instances_exceed_consent score_out_of_band "
        "group_mean_out_of_band group_mean_missing group_unknown disparate_impact explanation_missing "
        "management_forbidden shared_memory_forbidden",
        429: "model_throttled",
    },
    ReasonClass.UPSTREAM: {
        502: "upstream_unreachable upstream_malformed response_too_large prediction_unreadable",
        504: "upstream_timeout",
    },
}
# Codes of our own, "add to it freely".
ADDED = [
    ("sidecar_failed", ReasonClass.ENGINE, 503),
    ("request_aborted", ReasonClass.CLIENT, 408),
    ("stream_forbidden", ReasonClass.POLICY, 403),
]

codes = st.sampled_from(list(CATALOGUE)) | st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
reasons = st.builds(Reason, codes, st.text(max_size=3), st.none() | st.sampled_from(["consent", "staleness"]))


def of(*given_codes: str) -> list[Reason]:
    return [Reason(code, "because") for code in given_codes]


def test_the_catalogue_is_the_contracts_in_its_order() -> None:
    expected = [
        (code, group, status)
        for group, statuses in CONTRACT.items()
        for status, row in statuses.items()
        for code in row.split()
    ]
    catalogue = [(kind.code, kind.group, kind.status) for kind in CATALOGUE.values()]
    assert [kind for kind in catalogue if kind not in ADDED] == expected
    assert [kind for kind in catalogue if kind in ADDED] == ADDED
    groups = [group for _, group, _ in catalogue]
    assert groups == sorted(groups)


def test_every_kind_has_a_title_and_a_remedy() -> None:
    assert [kind.code for kind in CATALOGUE.values() if not (kind.title and kind.remedy)] == []


def test_an_authored_code_is_a_policy_denial() -> None:
    assert kind_of("night_shift") == ReasonKind(
        "night_shift", ReasonClass.POLICY, 403, "Refused by policy", "See the policy's documentation"
    )


@pytest.mark.parametrize(
    ("given_codes", "code", "status"),
    [
        (["data_stale"], "data_stale", 403),
        (["upstream_timeout", "data_stale"], "data_stale", 403),
        (["data_stale", "consent_expired"], "consent_expired", 401),
        (["consent_expired", "attribute_missing"], "attribute_missing", 400),
        (["attribute_missing", "policy_timeout", "consent_expired"], "policy_timeout", 503),
        # Within a class the catalogue's first gives the status, whatever its number.
        (["model_throttled", "data_stale"], "data_stale", 403),
        (["headers_too_large", "body_too_large"], "body_too_large", 413),
        (["upstream_timeout", "upstream_unreachable"], "upstream_unreachable", 502),
        # Authored codes come last among the policy's.
        (["a_code_of_ours", "model_throttled"], "model_throttled", 429),
        (["zeta", "alpha"], "alpha", 403),
    ],
)
def test_the_highest_class_gives_the_status(given_codes: list[str], code: str, status: int) -> None:
    kind = leading(of(*given_codes))
    assert (kind.code, kind.status) == (code, status)


def test_no_reason_leads_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        leading([])


@given(st.lists(reasons, min_size=1))
def test_the_status_does_not_depend_on_the_order(some: list[Reason]) -> None:
    assert leading(some) == leading(reversed(some))
    assert leading(some).group == min(kind_of(reason.code).group for reason in some)


def test_reasons_are_sorted_by_class_code_rule_and_message() -> None:
    expected = (
        Reason("policy_timeout", "m"),
        Reason("attribute_missing", "m"),
        Reason("consent_expired", "m"),
        Reason("data_stale", "a", "staleness"),
        Reason("data_stale", "b", "staleness"),
        Reason("model_unknown", "m"),
        Reason("night_shift", "m"),
        Reason("upstream_timeout", "m"),
    )
    assert in_order(reversed(expected)) == expected


@given(st.lists(reasons))
def test_order_and_repeats_do_not_matter(some: list[Reason]) -> None:
    ordered = in_order(some)
    assert in_order([*reversed(some), *some]) == ordered
    assert set(ordered) == set(some)
    assert len(ordered) == len(set(some))


@pytest.mark.parametrize(
    "code", ["attribute_missing", *CONTRACT[ReasonClass.TOKEN][401].split(), "model_throttled", "night_shift"]
)
def test_a_policy_may_use(code: str) -> None:
    assert policy_may_use(code)


def test_a_policy_may_use_all_policy_codes_and_no_other_known_one() -> None:
    allowed = {code for code in CATALOGUE if policy_may_use(code)}
    expected = {kind.code for kind in CATALOGUE.values() if kind.group in (ReasonClass.TOKEN, ReasonClass.POLICY)}
    assert allowed == expected | {"attribute_missing"}


@pytest.mark.parametrize("code", ["", "Night", "1st", "_x", "a b", "a-b", "a\n", "é", "x" * 65])
def test_a_word_that_is_no_code_is_nobodys(code: str) -> None:
    assert not policy_may_use(code)


def test_json_leaves_out_what_is_absent() -> None:
    assert Reason("a", "m").as_json() == {"code": "a", "message": "m"}
    assert Reason("a", "m", "r", "do").as_json() == {"code": "a", "message": "m", "rule": "r", "remedy": "do"}
