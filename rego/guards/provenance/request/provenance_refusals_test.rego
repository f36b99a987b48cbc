# METADATA
# title: Refusals of provenance
# description: Each refusal as a whole value, and what is refused when a fact is missing or of a wrong type.
package guards.provenance.request_test

import data.guards.provenance.request as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
}

judged_without(path) := judged(fixture.without(fixture.asking_request, path))

judged_with(path, value) := judged(fixture.with_value(fixture.asking_request, path, value))

unnamed := {
	"code": "attribute_missing",
	"message": "the call names no data_version",
	"remedy": "Send X-Data-Version, or the parameter data_version.",
}

unregistered(version) := {
	"code": "data_version_unknown",
	"message": sprintf("data_version %s is not registered", [version]),
	"remedy": "Register the data version under datasets, or use one that is registered.",
}

unknown_model(name) := {
	"code": "model_unknown",
	"message": sprintf("model %s is not registered", [name]),
	"remedy": "Register the model's facts under models.",
}

test_permits_without_a_word if judged(fixture.asking_request) == fixture.permitted

test_denies_a_version_that_is_not_present[status] if {
	some status in ["missing", "conflict", "malformed", "truncated", "Present", "", null]
	judged_with("input/attributes/data_version/status", status) == fixture.refused({unnamed})
}

test_denies_a_version_that_is_not_registered[version] if {
	some version in ["other", "Loans", "loans ", ""]
	judged_with("input/attributes/data_version/value", version) == fixture.refused({unregistered(version)})
}

test_denies_a_model_that_is_not_registered[model] if {
	some model in ["debit", "Credit", ""]
	judged_with("input/endpoint/model", model) == fixture.refused({unknown_model(model)})
}

test_denies_for_both_at_once if {
	question := fixture.without(fixture.asking_request, "data/models/credit")
	nothing_known := fixture.without(question, "data/datasets/loans")
	judged(nothing_known) == fixture.refused({unregistered("loans"), unknown_model("credit")})
}

test_refuses_when_a_fact_is_missing[path] if {
	some path, violations in {
		"input/attributes": {unnamed},
		"input/attributes/data_version": {unnamed},
		"input/attributes/data_version/status": {unnamed},
		"input/attributes/data_version/value": {unnamed},
		"input/endpoint": set(),
		"input/endpoint/model": set(),
		"data/models/credit": {unknown_model("credit")},
		"data/datasets/loans": {unregistered("loans")},
	}
	judged_without(path) == fixture.refused(violations)
}

test_refuses_when_a_fact_is_of_a_wrong_type[path] if {
	some path, case in {
		"input/attributes": {"value": "loans", "violations": {unnamed}},
		"input/attributes/data_version": {"value": "loans", "violations": {unnamed}},
		"input/attributes/data_version/value": {"value": null, "violations": {unnamed}},
		"input/endpoint": {"value": "credit", "violations": set()},
		"input/endpoint/model": {"value": null, "violations": set()},
		"data/models": {"value": [], "violations": {unknown_model("credit")}},
		"data/models/credit": {"value": [], "violations": {unknown_model("credit")}},
		"data/datasets": {"value": null, "violations": {unregistered("loans")}},
		"data/datasets/loans": {"value": "x", "violations": {unregistered("loans")}},
	}
	judged_with(path, case.value) == fixture.refused(case.violations)
}
