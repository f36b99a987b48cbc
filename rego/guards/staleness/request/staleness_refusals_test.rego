# METADATA
# title: Refusals of staleness
# description: Each refusal as a whole value, and what is refused when a fact is missing or of a wrong type.
package guards.staleness.request_test

import data.guards.staleness.request as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
}

judged_without(path) := judged(fixture.without(fixture.asking_request, path))

judged_with(path, value) := judged(fixture.with_value(fixture.asking_request, path, value))

# The call at a time relative to the data's creation, under a limit.
judged_aged(age_s, max_age_days) := judged(json.patch(fixture.asking_request, [
	{"op": "add", "path": "input/time/unix_s", "value": 1795200000 + age_s},
	{"op": "add", "path": "data/models/credit/max_age_days", "value": max_age_days},
]))

stale(age, limit) := {
	"code": "data_stale",
	"message": sprintf("data_version loans is %s old; credit allows %d", [age, limit]),
	"remedy": "Use data that is younger, or refresh this data set.",
}

in_future(ahead_s) := {
	"code": "data_in_future",
	"message": sprintf("data_version loans is dated %d s in the future", [ahead_s]),
	"remedy": "Correct created_unix_s of the data set, or the clock of the sidecar's host.",
}

test_permits_without_a_word if judged(fixture.asking_request) == fixture.permitted

test_permits_from_300_s_ahead_to_the_limit[age_s] if {
	some age_s in [-300, -299.5, 0, 86400, (30 * 86400) - 1, 30 * 86400]
	judged_aged(age_s, 30) == fixture.permitted
}

test_denies_data_past_the_limit if {
	judged_aged((30 * 86400) + 1, 30) == fixture.refused({stale("31 days", 30)})
	judged_aged((30 * 86400) + 0.5, 30) == fixture.refused({stale("31 days", 30)})
	judged_aged(80 * 86400, 30) == fixture.refused({stale("80 days", 30)})
	judged_aged(3 * 86400, 2) == fixture.refused({stale("3 days", 2)})
	judged_aged(2 * 86400, 1) == fixture.refused({stale("48 hours", 24)})
	judged_aged(1, 0) == fixture.refused({stale("1 hours", 0)})
}

test_denies_data_from_the_future if {
	judged_aged(-301, 30) == fixture.refused({in_future(301)})
	judged_aged(-300.5, 30) == fixture.refused({in_future(301)})
	judged_aged(-864000, 0) == fixture.refused({in_future(864000)})
}

test_refuses_when_data_version_is_not_present_and_provenance_lets_it_pass[status] if {
	some status in ["missing", "conflict", "malformed", "truncated", "Present", null]
	some mode in ["shadow", "off"]
	question := fixture.with_value(fixture.asking_request, "data/models/credit/rules", {"provenance": mode})
	judged(fixture.with_value(question, "input/attributes/data_version/status", status)) == fixture.refused({{
		"code": "attribute_missing",
		"message": "the call names no data_version",
		"remedy": "Send X-Data-Version, or the parameter data_version.",
	}})
}

# An unknown data version is told by provenance; only where that lets it pass does staleness tell it.
test_refuses_when_the_data_version_is_missing_and_provenance_lets_it_pass if {
	question := fixture.with_value(fixture.asking_request, "data/models/credit/rules", {"provenance": "off"})
	judged(fixture.without(question, "input/attributes/data_version")) == fixture.refused({{
		"code": "attribute_missing",
		"message": "the call names no data_version",
		"remedy": "Send X-Data-Version, or the parameter data_version.",
	}})
	judged(fixture.without(question, "data/datasets/loans")) == fixture.refused({{
		"code": "data_version_unknown",
		"message": "data_version loans is not registered",
		"remedy": "Register the data version under datasets, or use one that is registered.",
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
		"input/time",
		"input/time/unix_s",
		"input/endpoint",
		"input/endpoint/model",
		"input/attributes",
		"input/attributes/data_version",
		"input/attributes/data_version/value",
		"data/models/credit",
		"data/models/credit/max_age_days",
		"data/datasets/loans",
		"data/datasets/loans/created_unix_s",
	]
	every value in [null, true, "30", "x", [], [30], {}] { judged_with(path, value) == fixture.refused(set()) }
}

test_has_no_deadline_without_its_facts[path] if {
	some path in ["data/models/credit/max_age_days", "data/datasets/loans/created_unix_s", "input/time/unix_s"]
	question := fixture.without(fixture.asking_request, path)
	not has_deadline(question)
}

test_has_a_deadline if has_deadline(fixture.asking_request)

has_deadline(question) if {
	guard.valid_until_unix_s with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
}
