# METADATA
# title: Refusals of disparate impact
# description: The refusal as a whole value, and what is refused when a fact is missing or of a wrong type.
package guards.disparate_impact.response_test

import data.guards.disparate_impact.response as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
}

judged_without(path) := judged(fixture.without(fixture.asking_response, path))

judged_with(path, value) := judged(fixture.with_value(fixture.asking_response, path, value))

beyond(percent) := {
	"code": "disparate_impact",
	"message": sprintf("positive predictions favour one group beyond the limit of %d %% of the other's rate", [percent]),
	"remedy": "Review the model's outcomes by group before it is used further.",
}

test_permits_without_a_word if judged(fixture.asking_response) == fixture.permitted

test_permits_whatever_the_ratio_that_is_not_certain if {
	estimate := {"ratio": 9, "lower": 1.4, "certain": false, "warned": true}
	judged_with("input/window/disparate_impact", estimate) == fixture.permitted
}

test_permits_where_there_is_no_estimate_yet if {
	estimate := {"ratio": null, "lower": 1, "certain": false, "warned": false, "favoured": null, "disfavoured": null}
	judged_with("input/window/disparate_impact", estimate) == fixture.permitted
}

# What the sidecar tells of a model that declares no groups, no limit or nothing positive.
test_refuses_when_there_can_be_no_estimate[state] if {
	some state in ["ok", "degraded"]
	question := fixture.with_value(fixture.asking_response, "input/window/state", state)
	judged(fixture.with_value(question, "input/window/disparate_impact", null)) == fixture.refused(set())
}

test_permits_a_window_that_holds_too_little[certain] if {
	some certain in [null, false, true]
	window := {"state": "insufficient_data", "disparate_impact": {"certain": certain}}
	judged_with("input/window", window) == fixture.permitted
}

test_denies_a_certain_excess_beyond_the_limit[state] if {
	some state in ["ok", "degraded"]
	question := fixture.with_value(fixture.asking_response, "input/window/state", state)
	judged(question) == fixture.permitted
	certain := fixture.with_value(question, "input/window/disparate_impact/certain", true)
	judged(certain) == fixture.refused({beyond(150)})
	limited := fixture.with_value(certain, "data/models/credit/disparate_impact_max", 1.25)
	judged(limited) == fixture.refused({beyond(125)})
}

test_refuses_when_a_fact_is_missing[path] if {
	some path in [
		"input/window",
		"input/window/state",
		"input/window/disparate_impact",
		"input/window/disparate_impact/certain",
		"input/endpoint",
		"input/endpoint/model",
		"data/models/credit",
		"data/models/credit/disparate_impact_max",
	]
	judged_without(path) == fixture.refused(set())
}

test_refuses_when_the_limit_is_missing_and_the_window_holds_too_little if {
	question := fixture.with_value(fixture.asking_response, "input/window/state", "insufficient_data")
	judged(fixture.without(question, "data/models/credit/disparate_impact_max")) == fixture.refused(set())
	judged(fixture.with_value(question, "data/models/credit/disparate_impact_max", "1.5")) == fixture.refused(set())
}

test_refuses_when_a_fact_is_of_a_wrong_type[path] if {
	some path in [
		"input/window",
		"input/window/state",
		"input/window/disparate_impact",
		"input/window/disparate_impact/certain",
		"input/endpoint/model",
		"data/models/credit",
		"data/models/credit/disparate_impact_max",
	]
	every value in [null, "ok ", "false", "1.5", [], [1.5], {}] {
		judged_with(path, value) == fixture.refused(set())
	}
}
