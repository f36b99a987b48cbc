# METADATA
# title: Refusals of credit scoring, request
# description: Each refusal as a whole value, and what is refused when a fact is missing or of a wrong type.
package guards.credit_scoring.request_test

import data.guards.credit_scoring.request as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
}

judged_without(path) := judged(fixture.without(fixture.asking_request, path))

judged_with(path, value) := judged(fixture.with_value(fixture.asking_request, path, value))

limit_unix_s := 1795200000 + (30 * 86400)

stale := {
	"code": "data_stale",
	"message": "credit scoring allows data of at most 30 days",
	"remedy": "Score with a newer data version.",
}

test_permits_without_a_word if judged(fixture.asking_request) == fixture.permitted

test_permits_data_of_exactly_the_limit if judged_with("input/time/unix_s", limit_unix_s) == fixture.permitted

test_denies_data_past_the_limit if {
	judged_with("input/time/unix_s", limit_unix_s + 1) == fixture.refused({stale})
	judged_with("input/time/unix_s", limit_unix_s + 0.5) == fixture.refused({stale})
}

# An unknown data version is told by provenance; only where that lets it pass does this guard tell it.
test_refuses_when_the_data_version_is_missing_and_provenance_lets_it_pass if {
	question := fixture.with_value(fixture.asking_request, "data/models/credit/rules", {"provenance": "shadow"})
	judged(fixture.without(question, "input/attributes/data_version")) == fixture.refused({{
		"code": "attribute_missing",
		"message": "the call names no data_version",
		"remedy": "Send X-Data-Version, or the parameter data_version.",
	}})
}

test_refuses_when_a_fact_is_missing[path] if {
	some path in [
		"input/time",
		"input/time/unix_s",
		"input/endpoint",
		"input/endpoint/model",
		"input/attributes",
		"input/attributes/data_version",
		"input/attributes/data_version/status",
		"input/attributes/data_version/value",
		"data/models/credit",
		"data/models/credit/max_age_days",
		"data/datasets/loans",
		"data/datasets/loans/created_unix_s",
	]
	judged_without(path) == fixture.refused(set())
}

test_refuses_when_a_fact_is_of_a_wrong_type[path] if {
	some path in [
		"input/endpoint/model",
		"input/attributes/data_version/status",
		"input/attributes/data_version/value",
		"data/models/credit",
		"data/models/credit/max_age_days",
		"data/datasets/loans",
		"data/datasets/loans/created_unix_s",
	]
	every value in [null, true, "30", "x", [], [30], {}] { judged_with(path, value) == fixture.refused(set()) }
}

test_has_no_deadline_without_its_facts[path] if {
	some path in ["data/models/credit/max_age_days", "data/datasets/loans/created_unix_s"]
	not has_deadline(fixture.without(fixture.asking_request, path))
}

test_has_a_deadline if has_deadline(fixture.asking_request)

has_deadline(question) if {
	guard.valid_until_unix_s with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
}
