# METADATA
# title: Refusals of consent
# description: Each refusal as a whole value, and what is refused when a fact is missing or of a wrong type.
package guards.consent.request_test

import data.guards.consent.request as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
		with data.revocations as question.data.revocations
}

judged_without(path) := judged(fixture.without(fixture.asking_request, path))

judged_with(path, value) := judged(fixture.with_value(fixture.asking_request, path, value))

missing := {
	"code": "consent_missing",
	"message": "the call carries no consent token",
	"remedy": "Send the person's consent token in X-Consent-Token.",
}

expired := {
	"code": "consent_expired",
	"message": "the consent token has expired",
	"remedy": "Ask the issuer for a new consent token.",
}

invalid := {
	"code": "consent_invalid",
	"message": "the consent token could not be verified",
	"remedy": "Send a token signed by a trusted issuer for this audience.",
}

unscoped := {
	"code": "attribute_missing",
	"message": "the call names no consent_scope",
	"remedy": "Send X-Consent-Scope, or the parameter consent_scope.",
}

ungranted(scopes) := {
	"code": "consent_scope_mismatch",
	"message": sprintf("the consent token does not grant %s", [scopes]),
	"remedy": "Ask the person for a token that grants these scopes, or call for a scope it grants.",
}

uncollected(scope) := {
	"code": "consent_scope_mismatch",
	"message": sprintf("data_version loans may not be used for %s", [scope]),
	"remedy": "Use data that was collected for this scope.",
}

for_other_data := {
	"code": "consent_data_mismatch",
	"message": "the consent token is for other data than data_version loans",
	"remedy": "Use the data version that the token names, or a token for this one.",
}

revoked := {
	"code": "consent_revoked",
	"message": "the consent has been revoked",
	"remedy": "Stop using this person's data, or ask for consent anew.",
}

beyond_the_token(instances, limit) := {
	"code": "instances_exceed_consent",
	"message": sprintf("the call holds %d instances; one token covers %d", [instances, limit]),
	"remedy": "Send one call for each person, with that person's token.",
}

test_permits_without_a_word if judged(fixture.asking_request) == fixture.permitted

test_permits_a_token_bound_to_this_data if judged_with("input/consent/data_version", "loans") == fixture.permitted

test_permits_what_is_revoked_for_others if {
	judged_with("data/revocations", {"tokens": {"other": {}}, "subjects": {"other": {}}}) == fixture.permitted
}

test_permits_a_model_that_requires_no_scope if {
	judged_with("data/models/credit/required_scopes", []) == fixture.permitted
}

test_denies_a_token_that_is_not_valid[status] if {
	some status, violation in {
		"missing": missing,
		"off": missing,
		"expired": expired,
		"invalid": invalid,
		"Valid": invalid,
		"": invalid,
	}
	judged_with("input/consent/status", status) == fixture.refused({violation})
}

test_denies_a_call_that_names_no_scope[status] if {
	some status in ["missing", "conflict", "malformed", "truncated", "Present", null]
	judged_with("input/attributes/consent_scope/status", status) == fixture.refused({unscoped})
}

test_denies_and_names_every_scope_that_is_not_granted if {
	question := fixture.with_value(fixture.asking_request, "data/models/credit/required_scopes", ["profiling", "ads"])
	judged(question) == fixture.refused({ungranted("ads, profiling")})
	none := fixture.with_value(question, "input/consent/scopes", [])
	judged(none) == fixture.refused({ungranted("ads, credit_scoring, profiling")})
}

test_denies_a_scope_that_only_the_call_needs if {
	question := fixture.with_value(fixture.asking_request, "data/models/credit/required_scopes", [])
	judged(fixture.with_value(question, "input/consent/scopes", [])) == fixture.refused({ungranted("credit_scoring")})
}

test_denies_a_scope_that_the_data_was_not_collected_for if {
	question := fixture.with_value(fixture.asking_request, "input/consent/scopes", ["credit_scoring", "ads"])
	for_ads := fixture.with_value(question, "input/attributes/consent_scope/value", "ads")
	judged(for_ads) == fixture.refused({uncollected("ads")})
}

test_denies_a_token_bound_to_other_data if {
	judged_with("input/consent/data_version", "other") == fixture.refused({for_other_data})
}

test_denies_what_is_revoked[path] if {
	some path in ["data/revocations/tokens/t", "data/revocations/subjects/s"]
	every entry in [{}, {"at_unix_s": 1}, null, false, true, 0, "", []] { judged_with(path, entry) == fixture.refused({revoked}) }
}

test_denies_more_instances_than_a_token_covers if {
	judged_with("input/instances", 2) == fixture.refused({beyond_the_token(2, 1)})
	question := fixture.with_value(fixture.asking_request, "data/models/credit/instances_per_token", 4)
	judged(fixture.with_value(question, "input/instances", 4)) == fixture.permitted
	judged(fixture.with_value(question, "input/instances", 5)) == fixture.refused({beyond_the_token(5, 4)})
}

test_counts_instances_only_against_a_valid_token if {
	question := fixture.with_value(fixture.asking_request, "input/instances", 2)
	judged(fixture.with_value(question, "input/consent/status", "expired")) == fixture.refused({expired})
}

test_denies_for_every_reason_at_once if {
	question := json.patch(fixture.asking_request, [
		{"op": "add", "path": "input/consent/scopes", "value": []},
		{"op": "add", "path": "input/consent/data_version", "value": "other"},
		{"op": "add", "path": "input/instances", "value": 2},
		{"op": "add", "path": "data/datasets/loans/consent_scopes", "value": []},
		{"op": "add", "path": "data/revocations/subjects/s", "value": {}},
	])
	judged(question) == fixture.refused({
		ungranted("credit_scoring"),
		uncollected("credit_scoring"),
		for_other_data,
		revoked,
		beyond_the_token(2, 1),
	})
}

# An unknown data version is told by provenance; only where that lets it pass does consent tell it.
test_refuses_when_the_data_version_is_missing_and_provenance_lets_it_pass if {
	question := fixture.with_value(fixture.asking_request, "data/models/credit/rules", {"provenance": "shadow"})
	nameless := fixture.without(question, "input/attributes/data_version")
	judged(nameless) == fixture.refused({dataless})
}

test_refuses_when_data_version_is_not_present_and_provenance_lets_it_pass[status] if {
	some status in ["missing", "conflict", "malformed", "truncated", "Present", null]
	some mode in ["shadow", "off"]
	question := fixture.with_value(fixture.asking_request, "data/models/credit/rules", {"provenance": mode})
	judged(fixture.with_value(question, "input/attributes/data_version/status", status)) == fixture.refused({dataless})
}

dataless := {
	"code": "attribute_missing",
	"message": "the call names no data_version",
	"remedy": "Send X-Data-Version, or the parameter data_version.",
}

test_permits_a_token_without_an_id_unless_its_subject_is_revoked if {
	question := fixture.with_value(fixture.asking_request, "input/consent/token_id", null)
	judged(question) == fixture.permitted
	judged(fixture.with_value(question, "data/revocations/subjects/s", {})) == fixture.refused({revoked})
}

test_refuses_when_an_id_is_of_a_wrong_type[id] if {
	some id in [["t"], {"t": 1}, true, false, 1]
	judged_with("input/consent/token_id", id) == fixture.refused(set())
	judged_with("input/consent/subject", id) == fixture.refused(set())
}

test_refuses_when_scopes_are_an_object if {
	scopes := {"x": "credit_scoring"}
	judged_with("input/consent/scopes", scopes) == fixture.refused({ungranted("credit_scoring")})
	collected := judged_with("data/datasets/loans/consent_scopes", scopes)
	collected == fixture.refused({uncollected("credit_scoring")})
}

test_refuses_when_a_required_scope_is_no_string if {
	judged_with("data/models/credit/required_scopes", [1]) == fixture.refused(set())
}

test_refuses_when_the_required_scopes_are_an_object[scopes] if {
	some scopes in [{}, {"x": "credit_scoring"}, {"x": "profiling"}]
	judged_with("data/models/credit/required_scopes", scopes) == fixture.refused(set())
}

test_refuses_when_a_fact_is_missing[path] if {
	some path, violations in {
		"input/consent": {invalid},
		"input/consent/status": {invalid},
		"input/consent/scopes": {ungranted("credit_scoring")},
		"input/consent/data_version": {for_other_data},
		"input/consent/token_id": set(),
		"input/consent/subject": set(),
		"input/attributes": {unscoped},
		"input/attributes/consent_scope": {unscoped},
		"input/attributes/consent_scope/value": set(),
		"input/attributes/data_version": set(),
		"input/attributes/data_version/value": set(),
		"input/endpoint": set(),
		"input/endpoint/model": set(),
		"input/instances": set(),
		"data/models/credit": set(),
		"data/models/credit/required_scopes": set(),
		"data/datasets/loans": set(),
		"data/datasets/loans/consent_scopes": {uncollected("credit_scoring")},
		"data/revocations/tokens": set(),
		"data/revocations/subjects": set(),
	}
	judged_without(path) == fixture.refused(violations)
}

test_refuses_when_a_fact_is_of_a_wrong_type[path] if {
	some path, case in {
		"input/consent": {"value": "valid", "violations": {invalid}},
		"input/consent/status": {"value": true, "violations": {invalid}},
		"input/consent/scopes": {"value": "credit_scoring", "violations": {ungranted("credit_scoring")}},
		"input/consent/data_version": {"value": ["loans"], "violations": {for_other_data}},
		"input/attributes": {"value": ["credit_scoring"], "violations": {unscoped}},
		"input/attributes/consent_scope": {"value": "credit_scoring", "violations": {unscoped}},
		"input/attributes/consent_scope/value": {"value": null, "violations": set()},
		"input/attributes/data_version/value": {"value": null, "violations": set()},
		"input/endpoint/model": {"value": null, "violations": set()},
		"input/instances": {"value": "1", "violations": set()},
		"data/models/credit": {"value": true, "violations": set()},
		"data/models/credit/required_scopes": {"value": "credit_scoring", "violations": set()},
		"data/models/credit/instances_per_token": {"value": "1", "violations": set()},
		"data/datasets/loans": {"value": true, "violations": set()},
		"data/datasets/loans/consent_scopes": {
			"value": "credit_scoring",
			"violations": {uncollected("credit_scoring")},
		},
		"data/revocations/tokens": {"value": [], "violations": set()},
		"data/revocations/subjects": {"value": null, "violations": set()},
	}
	judged_with(path, case.value) == fixture.refused(case.violations)
}
