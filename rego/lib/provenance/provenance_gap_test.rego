# METADATA
# title: Gaps that provenance leaves
# description: Each gap as a whole value, and each mode and mitigation under which provenance tells it itself.
package lib.provenance_test

import data.lib.fixture_test as fixture
import data.lib.provenance

gap(question) := gap if {
	gap := provenance.gap with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
}

nameless := fixture.without(fixture.asking_request, "input/attributes/data_version")

unnamed := {
	"code": "attribute_missing",
	"message": "the call names no data_version",
	"remedy": "Send X-Data-Version, or the parameter data_version.",
}

unregistered := {
	"code": "data_version_unknown",
	"message": "data_version loans is not registered",
	"remedy": "Register the data version under datasets, or use one that is registered.",
}

test_tells_the_gap_under_a_mode_that_lets_it_pass[mode] if {
	some mode in ["shadow", "off"]
	rules := {"provenance": mode}
	gap(fixture.with_value(nameless, "data/models/credit/rules", rules)) == {unnamed}
	unlisted := fixture.without(fixture.asking_request, "data/datasets/loans")
	gap(fixture.with_value(unlisted, "data/models/credit/rules", rules)) == {unregistered}
	gap(fixture.with_value(fixture.asking_request, "data/models/credit/rules", rules)) == set()
}

test_leaves_the_gap_to_provenance_under_any_other_mode[mode] if {
	some mode in ["enforce", "Shadow", "off ", "", null, false, ["off"]]
	gap(fixture.with_value(nameless, "data/models/credit/rules", {"provenance": mode})) == set()
}

test_tells_the_gap_under_a_mitigation_that_lets_it_pass[action] if {
	some action in ["flag_review", "throttle", "fallback"]
	mitigation := {"provenance": {"action": action}}
	gap(fixture.with_value(nameless, "data/models/credit/mitigation", mitigation)) == {unnamed}
}

test_leaves_the_gap_to_provenance_under_any_other_mitigation[action] if {
	some action in ["deny", "Flag_review", "", null, true]
	mitigation := {"provenance": {"action": action}}
	gap(fixture.with_value(nameless, "data/models/credit/mitigation", mitigation)) == set()
}

test_leaves_the_gap_to_provenance_when_the_modes_are_missing[path] if {
	some path in ["data/models/credit", "data/models/credit/rules", "input/endpoint/model", "input/endpoint"]
	gap(fixture.without(nameless, path)) == set()
}
